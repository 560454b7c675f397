internal import Glibc
internal import Logging
internal import PostludeManifest
internal import PostludeSupervision
internal import PostludeSystem
internal import Synchronization

/// Receives commands for this process from signals and from its supervisor. Used by the control thread.
final class ProcessCommands: Sendable {
    enum ProcessCommand {
        /// - handingOver: whether other processes continue to serve.
        case drain(reason: String, handingOver: Bool)
        case leave(reason: String)
    }

    private let control: ProcessControl
    /// Puts a new manifest into use, as the generation of this number.
    private let reload: @Sendable (Manifest, Int) throws -> Void
    private let logger: Logger
    private let generation: Atomic<Int>
    private let isSupervised: Atomic<Bool>
    /// When to request a manifest again that could not be received, in nanoseconds.
    private let nextResendRequest = Atomic<Int64>(.max)
    /// The generation of the last manifest that could not be received.
    private let lastMissing = Atomic<Int>(0)

    init(
        _ control: ProcessControl, logger: Logger, reload: @escaping @Sendable (Manifest, Int) throws -> Void
    ) {
        self.control = control
        self.logger = logger
        self.reload = reload
        generation = Atomic(control.generation)
        isSupervised = Atomic(control.supervisor != nil)
    }

    /// The descriptors that are readable when there is something to receive.
    var descriptors: [Int32] {
        let supervisor = isSupervised.load(ordering: .relaxed) ? control.supervisor : nil
        return [control.signals?.descriptor, supervisor?.descriptor].compactMap { $0 }
    }

    /// Returns the commands since the last call. New manifests and requests to reopen the logs have been carried out when
    /// it returns.
    func receive(isDraining: Bool) -> [ProcessCommand] {
        if MonotonicTime.now.nanoseconds >= nextResendRequest.load(ordering: .relaxed) {
            nextResendRequest.store(.max, ordering: .relaxed)
            control.supervisor?.send(.resendManifest)
        }
        return receiveSignals(isDraining: isDraining) + receiveMessages()
    }

    private func receiveSignals(isDraining: Bool) -> [ProcessCommand] {
        var commands: [ProcessCommand] = []
        var first: Int32?
        var others: Set<Int32> = []
        while let signal = control.signals?.take() {
            switch signal {
            case SIGUSR1, SIGHUP, SIGUSR2: others.insert(signal)
            default:
                if control.supervisor != nil {
                    // systemd and terminals send the signal to all processes, but it may also be for this process only.
                    commands.append(.drain(reason: "signal \(signal)", handingOver: true))
                } else if isDraining || signal == first {
                    // Different signals at the same time are one request to stop; the same signal again is a second one.
                    commands.append(.leave(reason: "second signal \(signal)"))
                } else {
                    first = first ?? signal
                    commands.append(.drain(reason: "signal \(signal)", handingOver: false))
                }
            }
        }
        // Carried out once, even if several signals were pending.
        if others.contains(SIGUSR1) { control.reopenLogs() }
        // A supervisor gets these signals too, and acts on them.
        guard control.supervisor == nil else { return commands }
        for signal in [SIGHUP, SIGUSR2] where others.contains(signal) { handleWithoutSupervisor(signal) }
        return commands
    }

    private func handleWithoutSupervisor(_ signal: Int32) {
        guard signal == SIGHUP, let load = control.load else {
            return logger.warning(
                "a signal needs a supervisor", metadata: ["signal": "\(signal)"])
        }
        applyManifest(generation.load(ordering: .relaxed) + 1) { try load() }
    }

    private func receiveMessages() -> [ProcessCommand] {
        guard isSupervised.load(ordering: .relaxed), let supervisor = control.supervisor else { return [] }
        var commands: [ProcessCommand] = []
        var newest: (number: Int, file: SealedFile)?
        defer {
            // Only the newest manifest is applied: parsing each would keep the control thread busy.
            if let (number, file) = newest, let parse = control.parse {
                applyManifest(number) { try parse(String(decoding: try file.bytes(), as: UTF8.self)) }
            }
        }
        while true {
            switch supervisor.receive() {
            case .message(.manifest(let number), let descriptor):
                guard let descriptor else {
                    if lastMissing.exchange(number, ordering: .relaxed) != number {
                        logger.error(
                            "no descriptor was free for a manifest; it is requested again",
                            metadata: ["generation": "\(number)"])
                    }
                    nextResendRequest.store((MonotonicTime.now + .seconds(1)).nanoseconds, ordering: .relaxed)
                    continue
                }
                newest = (number, SealedFile(adopting: descriptor))
            case .message(.reopenLogs, _): control.reopenLogs()
            case .message(.drain(let handingOver), _):
                commands.append(.drain(reason: "the supervisor", handingOver: handingOver))
            case .message(.leave, _): commands.append(.leave(reason: "the supervisor"))
            case .message(_, let descriptor): if let descriptor { close(descriptor) }
            case .unknown: continue
            case .nothing: return commands
            case .ended:
                isSupervised.store(false, ordering: .relaxed)
                logger.error("the supervisor is gone")
                return commands + [.drain(reason: "the supervisor is gone", handingOver: false)]
            }
        }
    }

    private func applyManifest(_ number: Int, _ load: () throws -> Manifest) {
        do {
            let manifest = try load()
            try control.apply(manifest)
            try reload(manifest, number)
            generation.store(number, ordering: .relaxed)
            control.supervisor?.send(.applied(generation: number))
            logger.info(
                "serving with a new manifest",
                metadata: ["generation": "\(number)", "routes": "\(manifest.routes.count)"])
        } catch {
            logger.error(
                "the manifest is refused, the old one stays",
                metadata: [
                    "generation": "\(generation.load(ordering: .relaxed))", "error": "\(error)",
                ])
        }
    }
}
