internal import CPostludeLinux
internal import Glibc
package import PostludeSystem

/// A process that this one has started, or has adopted over an `exec` of its own.
package final class ChildProcess {
    /// How a process has ended.
    package enum Exit: Equatable, Sendable, CustomStringConvertible {
        case status(Int32)
        case signal(Int32)

        package var description: String {
            switch self {
            case .status(let status): "exit status \(status)"
            case .signal(let number): "signal \(number)"
            }
        }
    }

    package let pid: Int32
    /// A pidfd: readable when the process has ended.
    package let descriptor: Int32
    private var exit: Exit?

    /// A child that is not reaped yet, so that its number is not reused.
    package init(adopting pid: Int32) throws(SystemError) {
        self.pid = pid
        descriptor = clinux_open_process(pid)
        guard descriptor >= 0 else { throw SystemError("pidfd_open(\(pid))") }
    }

    deinit { close(descriptor) }

    /// Starts a program. It blocks no signal and ignores none, and has standard output, standard error and the
    /// descriptors named here, nothing else.
    ///
    /// - Parameters:
    ///   - path: the file; it is not searched for.
    ///   - arguments: all of them, the program's name being the first.
    ///   - inherited: the descriptor that the program finds under each number; /dev/null stands under those up to the
    ///     largest that are left out, but for 1 and 2.
    ///   - folder: where it begins; nil for the folder of this process.
    package static func start(
        _ path: String, _ arguments: [String], inherited: [Int32: Int32], in folder: String? = nil
    ) throws(SystemError) -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Copies above all targets: one target's number may be another one's source.
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        let last = max(2, inherited.keys.max() ?? 2)
        for (target, source) in inherited {
            let copy = fcntl(source, F_DUPFD_CLOEXEC, last + 1)
            guard copy >= 0 else { throw SystemError("fcntl(F_DUPFD_CLOEXEC)") }
            copies.append(copy)
            posix_spawn_file_actions_adddup2(&actions, copy, target)
        }
        for number in 0...last where inherited[number] == nil && number != 1 && number != 2 {
            posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
        }
        clinux_close_from(&actions, last + 1)
        if let folder { clinux_begin_in(&actions, folder) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, path, &actions, &attributes, &words, environ)
        guard result == 0 else { throw SystemError("start \(path)", errno: result) }
        do {
            return try ChildProcess(adopting: pid)
        } catch {
            // It could not be watched.
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw error
        }
    }

    package func send(signal number: Int32) {
        // Once it is reaped the number may be another process's.
        if exit == nil { kill(pid, number) }
    }

    /// How the process has ended; nil while it runs.
    package func exitIfEnded() -> Exit? {
        if let exit { return exit }
        var status: Int32 = 0
        let result = waitpid(pid, &status, WNOHANG)
        if result == pid {
            let signal = status & 0x7f
            exit = signal == 0 ? .status(status >> 8 & 0xff) : .signal(signal)
        } else if result < 0, errno == ECHILD {
            // It was reaped elsewhere: how it ended is not known.
            exit = .status(-1)
        }
        return exit
    }
}
