internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import PostludeSystem

struct UpgradeCommand<App: Application>: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "upgrade",
            abstract: "Let a running server replace its program by the file that is at its path now.",
            discussion: """
                It sends SIGUSR2. The server's supervisor first checks that the new program accepts the manifest and can read the \
                stored tasks, and logs the result; no request fails.
                """)
    }

    @Flag(
        name: .long,
        help: "Do not check the stored tasks. Those that the new program cannot read wait for one that can.")
    var force = false

    @Argument(
        help: "The number of the supervisor's process, which systemctl show --property MainPID prints.")
    var pid: Int32

    func run() throws {
        do {
            guard isSupervisor else {
                throw ValidationError("the process \(pid) is not a supervisor of \(programName)")
            }
            if force {
                try SignalDescriptor.forceUpgrade(of: pid)
            } else if kill(pid, SIGUSR2) != 0 {
                throw SystemError("kill(\(pid))")
            }
        } catch let error as SystemError {
            printError("\(programName): \(error)")
            throw ExitCode.failure
        }
        try printOutput("The server checks the program. Its log says whether the program is replaced.")
    }

    /// Whether the process is one of this program, by its command line, and not one that a supervisor has started. The signal
    /// would end other programs.
    private var isSupervisor: Bool {
        guard pid > 0, let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
            return false
        }
        let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        let name = words.first?.split(separator: "/").last.map(String.init)
        return name == programName && !words.contains("--process")
    }
}
