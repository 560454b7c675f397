internal import FastCGI
internal import Linux
internal import Logging
internal import Manifest
internal import Scoreboard
internal import Supervision

/// What a process finds at its start: everything comes from its supervisor.
struct ProcessStart {
    let manifest: Manifest
    let listener: Listener
    let control: ProcessControl

    /// - Parameter path: where the manifest's text comes from.
    /// - Throws: also when no supervisor has started this process.
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
            process: try Scoreboard(adopting: Descriptors.scoreboard).process(at: place),
            generation: generation, parse: { try handlers.manifest($0, file: path) },
            apply: { try writer.apply($0.log) },
            reopenLogs: { writer.reopen(telling: Logger(label: "postlude")) })
    }
}

/// `--process` is for the supervisor.
struct NotSupervised: Error, CustomStringConvertible {
    var description: String { "no supervisor has sent a manifest; start the program without --process" }
}
