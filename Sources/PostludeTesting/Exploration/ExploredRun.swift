internal import FoundationEssentials
internal import PostludeSystem

/// One run of an application by a schedule: its events, what happens at them, and what the world outside of its processes has seen.
final class ExploredRun: Sendable {
    /// What may happen at an event instead of the ordinary course.
    enum Alternative: Sendable, Hashable {
        /// The process dies before it. Its notes are lost, or were written.
        case death(writingNotes: Bool)
        /// A call does not reach its service.
        case failure
        /// A call reaches its service, and the answer is lost.
        case lostAnswer
        /// Something else comes first.
        case other(Int)
    }

    /// A place in a run where something else may happen.
    struct Event: Sendable {
        let alternatives: [Alternative]
        /// The deviation of each alternative in words.
        let texts: [String]
    }

    /// What differs from the ordinary course: at which event, and what happens there.
    struct Deviation: Sendable, Hashable {
        let event: Int
        let alternative: Alternative
    }

    enum Decision {
        case goOn(Alternative?)
        case dies(writingNotes: Bool)
        case dead
    }

    private struct State {
        var plan: [Int: Alternative]
        var events: [Event] = []
        var lines: [String] = []
        var deviations: [String] = []
        /// The number of the process that is alive; nil before the first, and while the next one is still to be started.
        var living: Int?
        /// The last event of the process that is alive.
        var last: String?
        var isOver = false
        var isEndless = false
        var calls: [OutsideCall] = []
        var timeAhead: TimeInterval = 0
        var onDeath: (@Sendable () -> Void)?
        var image: Result<String, any Error>

        /// Adds an event.
        ///
        /// - Returns: what happens at it; nil for the ordinary course.
        mutating func decide(_ alternatives: [Alternative], _ texts: [String]) -> Alternative? {
            let chosen = plan[events.count].flatMap { alternatives.firstIndex(of: $0) }
            events.append(Event(alternatives: alternatives, texts: texts))
            guard let chosen else { return nil }
            deviations.append(texts[chosen])
            return alternatives[chosen]
        }
    }

    /// The largest number of events: a run with more does not come to an end.
    private static let limit = 2_000

    private let base: String
    private let state: Lock<State>

    /// - Parameters:
    ///   - image: the files that the first process finds.
    ///   - base: the folder of the folders of processes.
    init(_ deviations: [Deviation], image: String, in base: String) {
        self.base = base
        let plan = Dictionary(deviations.map { ($0.event, $0.alternative) }) { first, _ in first }
        state = Lock(State(plan: plan, image: .success(image)))
    }

    // MARK: Processes

    /// Begins the life of the next process.
    ///
    /// - Returns: a folder that has the files of the one before.
    func begin(_ process: Int) throws -> String {
        let folder = "\(base)/\(UUID().uuidString)"
        try ExploredFolders.copy(try state.withLock { $0.image }.get(), to: folder)
        state.withLock { state in
            state.living = process
            state.last = nil
            if process > 1 { state.lines.append("process \(process) starts") }
        }
        return folder
    }

    func isAlive(_ process: Int) -> Bool { state.withLock { $0.living == process } }

    /// Sets what is called when the process dies. It is called at once if it is dead already.
    func onDeath(_ body: (@Sendable () -> Void)?) {
        let isDead = state.withLock { state in
            state.onDeath = body
            return state.living == nil
        }
        if isDead { body?() }
    }

    /// Keeps the files of the process that dies here.
    func die(_ copy: (_ folder: String) throws -> Void) {
        let folder = "\(base)/\(UUID().uuidString)"
        let image = Result {
            try copy(folder)
            return folder
        }
        let onDeath = state.withLock { state in
            state.image = image
            return state.onDeath
        }
        onDeath?()
    }

    // MARK: Events

    /// Decides what happens at an event of a process.
    func reach(_ event: String, by process: Int, isCall: Bool, hasNotes: Bool) -> Decision {
        state.withLock { state in
            guard state.living == process else { return .dead }
            guard !state.isOver else { return .goOn(nil) }
            guard state.events.count < Self.limit else {
                state.isEndless = true
                state.living = nil
                return .dies(writingNotes: false)
            }
            let place = "after \(state.last ?? "its start") and before \(event)"
            var alternatives = [Alternative.death(writingNotes: false)]
            var texts = ["the process dies \(place)"]
            if hasNotes {
                texts[0] += ", and what it has noted is lost"
                alternatives.append(.death(writingNotes: true))
                texts.append("the process dies \(place), when what it has noted is written")
            }
            if isCall {
                alternatives += [.failure, .lostAnswer]
                texts += ["\(event) fails", "\(event) succeeds, and its answer is lost"]
            }
            switch state.decide(alternatives, texts) {
            case .death(let writesNotes):
                state.lines.append("✗ the process dies before \(event)")
                state.living = nil
                return .dies(writingNotes: writesNotes)
            case let other:
                let text =
                    switch other {
                    case .failure: "✗ \(event) fails"
                    case .lostAnswer: "✗ \(event) succeeds, and its answer is lost"
                    default: event
                    }
                state.lines.append(text)
                state.last = event
                return .goOn(other)
            }
        }
    }

    /// Chooses what the world outside does next.
    ///
    /// - Parameter texts: what may come, the ordinary course first.
    /// - Returns: the index of what comes.
    func choose(_ texts: [String]) -> Int {
        state.withLock { state in
            guard texts.count > 1 else { return 0 }
            let others = (1..<texts.count).map { Alternative.other($0) }
            guard case .other(let index)? = state.decide(others, texts.dropFirst().map { "first, \($0)" })
            else { return 0 }
            return index
        }
    }

    func note(_ line: String) { state.withLock { $0.lines.append(line) } }

    /// Ends the schedule: from now on nothing else happens than what the application does.
    func end() { state.withLock { $0.isOver = true } }

    // MARK: The world

    func receive(_ service: String, _ argument: String, key: String?) {
        state.withLock { state in
            let known = state.calls.firstIndex { $0.key != nil && $0.key == key && $0.service == service }
            if let known {
                state.calls[known].receptions += 1
            } else {
                state.calls.append(OutsideCall(service: service, argument: argument, key: key))
            }
        }
    }

    var calls: [OutsideCall] { state.withLock { $0.calls } }
    var timeAhead: TimeInterval { state.withLock { $0.timeAhead } }
    var isEndless: Bool { state.withLock { $0.isEndless } }

    func advanceClock(to time: Date) {
        state.withLock { state in
            // What is due at a time is due after it, too.
            state.timeAhead = max(state.timeAhead, time.timeIntervalSinceNow + 0.001)
        }
    }

    // MARK: The result

    var events: [Event] { state.withLock { $0.events } }
    /// What has differed from the ordinary course, in words.
    var deviations: [String] { state.withLock { $0.deviations } }
    /// What has happened, in words.
    var lines: [String] { state.withLock { $0.lines } }
}
