internal import CPostludeLinux
import Glibc

/// Asynchronous signals, which one thread reads from a descriptor.
///
/// The signals are blocked in the calling thread and in all threads that it starts, since a handler would cut libfcgi's
/// writes short. The main thread is the exception: once it waits for the main queue, it takes every signal, whatever
/// its mask was. So a handler writes them to a pipe; a signalfd would only see those that the main thread does not
/// take.
package final class SignalDescriptor: Sendable {
    package let descriptor: Int32
    /// The end of the pipe to which the handlers write.
    private let sending: Int32

    /// Blocks the signals and installs handlers for them. Called once, on the main thread, before any other thread is
    /// started and before libfcgi is initialised, which keeps existing handlers.
    package init(_ signals: [Int32]) throws(SystemError) {
        // libfcgi installs a SIGPIPE handler only if there is none; a write to a closed socket must just fail.
        signal(SIGPIPE, SIG_IGN)
        // A write past the limit for the size of files (RLIMIT_FSIZE) must just fail, too.
        signal(SIGXFSZ, SIG_IGN)
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        let result = pthread_sigmask(SIG_BLOCK, &set, nil)
        guard result == 0 else { throw SystemError("pthread_sigmask", errno: result) }
        (descriptor, sending) =
            if let pipe = Self.inheritedPipe() { pipe } else { try makePipe(capacity: 4096) }
        clinux_forward_signals_to(sending)
        for signal in signals {
            guard clinux_forward_signal(signal) == 0 else { throw SystemError("sigaction(\(signal))") }
        }
    }

    /// What a program that replaces this one by `execve` needs: a variable of its environment, and the descriptors that
    /// it must inherit. No signal is lost in between.
    package var inheritance: (variable: String, value: String, descriptors: [Int32]) {
        (CLINUX_SIGNAL_PIPE, "\(descriptor) \(sending)", [descriptor, sending])
    }

    private static func inheritedPipe() -> (read: Int32, write: Int32)? {
        unsetenv(CLINUX_SIGNAL_PIPE)
        var ends: [Int32] = [-1, -1]
        guard clinux_inherited_signal_pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// What ``takeUpgrades()`` returns for SIGUSR2 that was sent by ``forceUpgrade(of:)``.
    package static let forcedUpgrade = Int32(CLINUX_FORCED_UPGRADE)

    /// Takes the number of a signal that has arrived; nil if there is none.
    package func take() -> Int32? { takeUpgrades().map { $0 == Self.forcedUpgrade ? SIGUSR2 : $0 } }

    /// Takes the number of a signal that has arrived, or ``forcedUpgrade``; nil if there is none.
    package func takeUpgrades() -> Int32? {
        var number: UInt8 = 0
        return read(descriptor, &number, 1) == 1 ? Int32(number) : nil
    }

    /// Sends SIGUSR2 to a process, with the value that forces the upgrade.
    package static func forceUpgrade(of pid: Int32) throws(SystemError) {
        guard sigqueue(pid, SIGUSR2, sigval(sival_int: CLINUX_FORCE)) == 0 else {
            throw SystemError("sigqueue(\(pid))")
        }
    }
}
