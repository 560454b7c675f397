internal import CPostludeLinux
internal import Glibc
package import PostludeSystem

/// A child process, started by this program or by the program that it has replaced.
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
    /// A pidfd, which is readable when the process has ended.
    package let descriptor: Int32
    private var exit: Exit?

    /// Adopts a child that has not been reaped, so that its number cannot have been reused.
    package init(adopting pid: Int32) throws(SystemError) {
        self.pid = pid
        descriptor = clinux_open_process(pid)
        guard descriptor >= 0 else { throw SystemError("pidfd_open(\(pid))") }
    }

    deinit { close(descriptor) }

    /// Starts a program. It begins with no signal blocked or ignored, and with standard output, standard error and the
    /// descriptors in `inherited` only.
    ///
    /// - Parameters:
    ///   - path: the path of the file; it is not searched for.
    ///   - arguments: all arguments, beginning with the program's name.
    ///   - inherited: the descriptors to pass, by the numbers that they have in the program. Smaller numbers that are
    ///     left out, except 1 and 2, refer to /dev/null.
    ///   - folder: the working directory of the program; nil for that of this process.
    package static func start(
        _ path: String, _ arguments: [String], inherited: [Int32: Int32], in folder: String? = nil
    ) throws(SystemError) -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Copies with numbers above all targets, since the number of one target may be the source of another one.
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
            // A process that cannot be watched is of no use.
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw error
        }
    }

    package func send(signal number: Int32) {
        // After it is reaped, the number may belong to another process.
        if exit == nil { kill(pid, number) }
    }

    /// Returns how the process has ended, and reaps it; nil while it runs.
    package func exitIfEnded() -> Exit? {
        if let exit { return exit }
        var status: Int32 = 0
        let result = waitpid(pid, &status, WNOHANG)
        if result == pid {
            let signal = status & 0x7f
            exit = signal == 0 ? .status(status >> 8 & 0xff) : .signal(signal)
        } else if result < 0, errno == ECHILD {
            // It was reaped elsewhere, so how it ended is unknown.
            exit = .status(-1)
        }
        return exit
    }
}
