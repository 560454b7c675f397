internal import CLinux
import Glibc

/// Asynchronous signals, read from a descriptor by one thread.
///
/// The signals are blocked in the calling thread and in all that it starts: a handler would cut libfcgi's writes short.
package final class SignalDescriptor: Sendable {
    package let descriptor: Int32

    /// Blocks the signals. To be called on the main thread before any other thread is started.
    package init(_ signals: [Int32]) throws(SystemError) {
        // libfcgi installs a SIGPIPE handler only where none was chosen; a write to a closed socket must just fail.
        signal(SIGPIPE, SIG_IGN)
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        let result = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard result == 0 else { throw SystemError("pthread_sigmask", errno: result) }
        descriptor = signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        guard descriptor >= 0 else { throw SystemError("signalfd") }
    }

    deinit { close(descriptor) }

    /// The number of a signal that has arrived, nil when there is none.
    package func take() -> Int32? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        return read(descriptor, &info, size) == size ? Int32(bitPattern: info.ssi_signo) : nil
    }
}
