internal import FoundationEssentials
package import Postlude
internal import PostludeSystem
package import PostludeTaskStore

/// A stored task for a broker's queue, which is published at once or after the tasks before it. This program may not have its
/// kind.
final class OutboxTask: RecordedTask {
    private struct State {
        var id: RecordID
        /// The task store that has the task; nil until it is stored.
        var access: TaskStoreAccess?
        /// Whether this process moves the record to the outbox when the tasks before it have run.
        var leavesHere = false
        var receipt: PersistedDurableTask?
    }

    let record: NewRecord
    let arguments: [any Sendable]
    private let state: Lock<State>

    /// - Parameter record: a record with an id and a queue.
    init(_ record: NewRecord, showing arguments: [any Sendable]) {
        self.record = record
        self.arguments = arguments
        state = Lock(State(id: record.id ?? RecordID.make(at: 0)))
    }

    /// Makes a task of a claimed record that may now be published.
    init(claimed record: Record, in access: TaskStoreAccess) {
        var copy = NewRecord(name: record.name, payload: record.payload)
        copy.queue = record.queue
        self.record = copy
        arguments = []
        state = Lock(State(id: record.id, access: access, leavesHere: true))
    }

    var id: String { state.withLock { $0.id.text } }
    var name: String { record.name }
    var deadline: Duration? { nil }
    var retry: RetryPolicy { .none }
    var earlierAttempts: Int { 0 }
    var runsHere: Bool { state.withLock { $0.leavesHere } }
    var receipt: PersistedDurableTask? { state.withLock { $0.receipt } }

    func didPersist(
        _ result: AppendResult, as record: NewRecord, of request: TaskOrigin, in access: TaskStoreAccess,
        runsHere: Bool
    ) {
        state.withLock { state in
            state.id = result.id
            state.access = access
            state.receipt = PersistedDurableTask(result, as: record, of: request)
            if case .added = result {
                state.leavesHere =
                    runsHere && record.leavesInTurn && record.notBefore == nil
                    && (!record.maybeWaits || access.taskStore.ownsAtOnce(result.id))
            }
        }
    }

    func run() async throws {}

    /// Moves the record to the outbox, because the tasks before it have run.
    ///
    /// - Returns: false, because the task does not run here.
    func beginAttempt() -> Bool {
        let (id, access) = state.withLock { ($0.id, $0.access) }
        guard let access, let queue = record.queue else { return false }
        if !access.holdsBack(id, record) { access.send(id, to: queue) }
        return false
    }

    func ended(_ result: AttemptResult) {
        let (id, access) = state.withLock { ($0.id, $0.access) }
        switch result {
        case .released: access?.taskStore.ended(id, .released)
        case .stopped(let name, let blocker): access?.stopped(id, by: name, blocker)
        case .dropped: access?.taskStore.ended(id, .discarded)
        case .cancelled: access?.cancelled(id)
        // Impossible, because the task does not run here.
        case .done, .retried, .postponed, .discarded, .failed, .moved, .cutOff: break
        }
    }
}

extension BackgroundTasks {
    /// Adds a task for a queue of the application's broker. It is stored like a durable task, and published after the response.
    ///
    /// - Parameters:
    ///   - record: a record with a queue. It gets an id if it has none.
    ///   - arguments: the arguments that the log and tests show.
    /// - Throws: ``DurableTaskError`` if the application has no broker; an error of the broker's module if the broker would not
    ///   accept the task; `LateTaskError` after the response has begun.
    package func send(_ record: NewRecord, showing arguments: [any Sendable]) throws -> DurableTaskHandle {
        guard let store = store as? any DurableTaskStore, let queue = record.queue else {
            throw DurableTaskError.noEngine(task: record.name)
        }
        var record = record
        let id = record.id ?? .make(at: Int64(Date().timeIntervalSince1970 * 1000))
        record.id = id
        try store.check(OutgoingTask(record, of: requestID), for: queue)
        try add(stored: OutboxTask(record, showing: arguments))
        return DurableTaskHandle(id: id.text)
    }
}
