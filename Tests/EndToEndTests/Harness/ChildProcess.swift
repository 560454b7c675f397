import Foundation

/// A process that the harness started, and the only kind that it ends.
final class ChildProcess {
    enum Exit: Equatable {
        case status(Int32)
        case signal(Int32)
    }

    let pid: pid_t
    private var exit: Exit?

    /// - Parameters:
    ///   - output: the files for standard output and standard error.
    ///   - environment: added to the test's own.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:],
        output: String, errors: String, directory: String? = nil
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)

        // A test's thread may block signals; its children must not inherit that.
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

        let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let words = (directory.map { ["env", "-C", $0] } ?? []) + [executable] + arguments
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = merged.map { strdup("\($0)=\($1)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var started: pid_t = 0
        let code = posix_spawnp(&started, words[0], &actions, &attributes, &argv, &envp)
        guard code == 0 else { throw SystemCallError("start \(executable)", code: code) }
        pid = started
    }

    deinit {
        if exit == nil {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
    }

    func send(signal number: Int32) {
        if exit == nil { kill(pid, number) }
    }

    /// How the process ended; nothing while it runs.
    func exitIfEnded() -> Exit? {
        if let exit { return exit }
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        let signal = status & 0x7f
        exit = signal == 0 ? .status(status >> 8 & 0xff) : .signal(signal)
        return exit
    }

    func waitForExit(within limit: Duration = .seconds(20)) throws -> Exit {
        try eventually("process \(pid) ends", within: limit) { exitIfEnded() }
    }
}
