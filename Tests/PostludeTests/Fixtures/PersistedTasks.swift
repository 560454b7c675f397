import Logging
import PostludeManifest
import PostludeSystem

@testable import Postlude

/// A task store that behaves as a test says, and records the calls.
final class RecordedStore: TaskStore {
    /// The store of the test that runs.
    @TaskLocal static var current: RecordedStore?

    let events = Record<String>()
    private let failure = Lock<(any Error)?>(nil)
    private let keyState = Lock<@Sendable (RequestKey) throws -> RequestKeyState>({ _ in .full })
    let answers = Record<PersistedAnswer>()

    func fail(with error: any Error) { failure.withLock { $0 = error } }

    func open(
        _ manifest: Manifest, dispatch: any TaskDispatching, end: @escaping @Sendable (Int64) -> ProcessEnd,
        logger: Logger
    ) throws {}
    func applyManifest(_ manifest: Manifest) {}

    func begin(_ key: RequestKey) throws -> RequestKeyState {
        events.append("begin \(key.route) \(key.principals) \(key.key)")
        return try keyState.withLock { try $0(key) }
    }

    /// Sets what the store says about keys.
    func answerKeys(_ state: @escaping @Sendable (RequestKey) throws -> RequestKeyState) {
        keyState.withLock { $0 = state }
    }

    func persist(_ request: PersistedRequest, within transaction: (any RequestTransaction)?) throws {
        let (tasks, runsHere) = (request.tasks, request.runsHere)
        if let error = failure.withLock({ $0 }) { throw error }
        if let answer = request.answer { answers.append(answer) }
        events.append("persist \(tasks.map(\.name).joined(separator: " "))\(runsHere ? "" : " elsewhere")")
        try transaction?.commit()
        for task in tasks.compactMap({ $0 as? RecordedTask }) where !runsHere { task.leaveToOthers() }
    }

    func close() {}
}

/// A durable task that records its attempts.
final class RecordedTask: PersistedTask {
    let id: String
    let name: String
    let deadline: Duration?
    let retry: RetryPolicy
    let earlierAttempts: Int
    let earlierDeaths: Int
    private let error: any Error
    private let events: Record<String>
    private let isHere: Lock<Bool>
    private let mayBegin: Bool
    private let failures: Int
    let stopsOnFailure: Bool
    let isLeft: Bool
    let waitsHere: Bool

    /// - Parameter failures: how many of its attempts fail.
    init(
        _ name: String, into events: Record<String>, failures: Int = 0, attempts: Int = 1,
        earlierAttempts: Int = 0, earlierDeaths: Int = 0, runsHere: Bool = true, mayBegin: Bool = true,
        stopsOnFailure: Bool = false, isLeft: Bool = false, waitsHere: Bool = true,
        error: any Error = Refused()
    ) {
        id = "id-" + name
        self.name = name
        self.events = events
        self.failures = failures
        self.earlierAttempts = earlierAttempts
        self.earlierDeaths = earlierDeaths
        self.error = error
        self.mayBegin = mayBegin
        self.stopsOnFailure = stopsOnFailure
        self.isLeft = isLeft
        self.waitsHere = waitsHere
        deadline = nil
        retry = RetryPolicy(attempts: attempts, delay: .seconds(1), jitter: 0)
        isHere = Lock(runsHere)
    }

    struct Refused: Error {}
    struct Hopeless: PermanentTaskError {}
    struct Unreadable: UnreadableTaskError {}

    var arguments: [any Sendable] { [] }
    var runsHere: Bool { isHere.withLock { $0 } }

    func leaveToOthers() { isHere.withLock { $0 = false } }

    func run() async throws {
        let attempt = TaskContext.current?.attempt ?? 0
        events.append("\(name) runs \(attempt)")
        if attempt <= failures { throw error }
    }

    func beginAttempt() -> Bool {
        if !mayBegin { events.append("\(name) may not begin") }
        return mayBegin
    }

    func blame() { events.append("\(name) blamed") }

    func ended(_ result: AttemptResult) {
        let text =
            switch result {
            case .done: "done"
            case .retried(_, let delay): "retried after \(delay.components.seconds) s"
            case .failed: "failed"
            case .moved: "moved"
            case .dropped: "dropped"
            case .stopped(let blocker, let id): "stopped by \(blocker)\(id.map { " " + $0 } ?? "")"
            case .released(let error): error == nil ? "left" : "left after an error"
            case .cancelled: "cancelled"
            case .cutOff: "cut off"
            case .postponed(_, let delay, let counts):
                "postponed for \(delay.components.seconds) s\(counts ? "" : ", does not count")"
            case .discarded(let reason): "discarded: \(reason)"
            }
        events.append("\(name) \(text)")
    }
}
