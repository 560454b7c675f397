internal import FoundationEssentials
internal import Journal
internal import Linux
internal import Postlude

/// A durable task in a process: what it does, and its record.
final class JournalTask: StoredTask {
    private struct State {
        var id: RecordID
        /// nil until it is kept, and where nothing is.
        var journal: Journal?
        var runsHere: Bool
        var result: Data?
    }

    let record: NewRecord
    let earlierAttempts: Int
    private let task: any DurableTask
    private let policy: DurablePolicy
    private let state: Lock<State>

    /// A task that is to be kept.
    ///
    /// - Parameter record: with an id.
    init(_ task: any DurableTask, kind: DurableTaskKind, record: NewRecord) {
        self.task = task
        self.record = record
        policy = kind.policy
        earlierAttempts = 0
        let id = record.id ?? RecordID.make(at: 0)
        state = Lock(State(id: id, runsHere: record.notBefore == nil && record.queue == nil))
    }

    /// A task that this process has claimed.
    init(_ task: any DurableTask, kind: DurableTaskKind, claimed record: Record, in journal: Journal) {
        self.task = task
        var copy = NewRecord(name: record.name, payload: record.payload)
        copy.id = record.id
        copy.expires = record.expires
        self.record = copy
        policy = kind.policy
        earlierAttempts = record.attempts
        state = Lock(State(id: record.id, journal: journal, runsHere: true))
    }

    var id: String { state.withLock { $0.id.text } }
    var name: String { record.name }
    var arguments: [any Sendable] { [task] }
    var deadline: Duration? { policy.deadline }
    var retry: RetryPolicy { policy.retry }
    var runsHere: Bool { state.withLock { $0.runsHere } }

    func kept(_ kept: KeptRecord, in journal: Journal, runsHere: Bool) {
        state.withLock { state in
            state.journal = journal
            if !runsHere { state.runsHere = false }
            guard case .exists(let other) = kept else { return }
            // It stands for this one.
            state.id = other
            state.runsHere = false
        }
    }

    func run() async throws {
        guard let context = TaskContext.current else { throw NoContext() }
        func run<Task: DurableTask>(_ task: Task) async throws -> Data? {
            let output = try await task.run(context)
            guard let output = output as? any Encodable else { return nil }
            // The work is done: a result that JSON cannot hold, such as NaN, does not make it be done again.
            return try? JSONEncoder().encode(output)
        }
        let result = try await run(task)
        state.withLock { $0.result = result }
    }

    func begin() -> Bool {
        let (id, journal) = state.withLock { ($0.id, $0.journal) }
        if let expires = record.expires, expires <= Date() {
            journal?.ended(id, .expired)
            return false
        }
        journal?.started(id)
        return true
    }

    func ended(_ end: StoredTaskEnd) {
        let (id, journal, result) = state.withLock { ($0.id, $0.journal, $0.result) }
        guard let journal else { return }
        switch end {
        case .done: journal.ended(id, .done(result: result))
        case .retried(let error, _): journal.ended(id, .retrying(error: Self.text(error)))
        case .failed(let error): journal.ended(id, .failed(error: Self.text(error)))
        case .dropped: journal.ended(id, .discarded)
        case .left(let error?): journal.ended(id, .again(error: Self.text(error), at: Date()))
        case .left(nil): journal.ended(id, .left)
        }
    }

    /// Bounded: an error can hold a whole response.
    private static func text(_ error: any Error) -> String { String("\(error)".prefix(4000)) }

    private struct NoContext: Error {}
}
