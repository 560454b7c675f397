internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSupervision
internal import PostludeSystem

/// The manifest, listener and controls with which a process starts, all of which it receives from its supervisor.
struct ProcessStart {
    let manifest: Manifest
    let listener: Listener
    let control: ProcessControl

    /// - Parameter path: the path of the manifest, for diagnostics.
    /// - Throws: also if the process was not started by a supervisor.
    init(
        _ handlers: Handlers, place: Int, path: String, signals: SignalDescriptor, writer: LogWriter
    ) throws {
        typealias Descriptors = SupervisedProgram.Descriptors
        let supervisor = ControlSocket(adopting: Descriptors.control)
        guard
            case .message(.manifest(let generation), let descriptor?) = supervisor.receive(within: 10_000)
        else { throw NotSupervised() }
        manifest = try handlers.manifest(SealedFile(adopting: descriptor), path: path)
        listener = try .adopting(Descriptors.listener)
        control = ProcessControl(
            signals: signals, supervisor: supervisor,
            handover: HandoverQueue(
                sending: Descriptors.handoverSending, receiving: Descriptors.handoverReceiving),
            process: Self.slot(at: place),
            generation: generation, parse: { try handlers.manifest($0, file: path) },
            apply: { try writer.apply($0.log, orLater: true, logger: Logger(label: "postlude")) },
            reopenLogs: { writer.reopen(logger: Logger(label: "postlude")) })
    }
}

extension ProcessStart {
    /// Returns the process's slot in the supervisor's scoreboard. A process without a slot serves nevertheless, and is
    /// not shown.
    private static func slot(at place: Int) -> ProcessSlot? {
        let logger = Logger(label: "postlude")
        do throws(ScoreboardError) {
            let board = try Scoreboard(adopting: SupervisedProgram.Descriptors.scoreboard)
            if let slot = board.process(at: place) { return slot }
            logger.warning("the scoreboard has no room for this process, which is not shown")
        } catch {
            logger.warning("this process is not shown", metadata: ["reason": "\(error)"])
        }
        return nil
    }
}

/// The error of a process that was started with `--process`, but not by a supervisor.
struct NotSupervised: Error, CustomStringConvertible {
    var description: String { "no supervisor has sent a manifest; start the program without --process" }
}
