public import FoundationEssentials
internal import Postlude
internal import PostludeTaskStore

/// The status of a durable task.
public struct DurableTaskStatus: Sendable, Hashable {
    /// The state of a durable task. The names are those of `tasks list --state`.
    public enum State: String, Sendable, Hashable, CaseIterable, Codable {
        /// It is to run: at once, when it is due, or after the tasks before it.
        case waiting
        /// An attempt has begun.
        case running
        /// It has succeeded.
        case done
        /// A dead letter: its attempts are exhausted, or it failed for good.
        case failed
        /// It expired before it ran.
        case expired
        /// It was discarded on request, alone or with a task before it.
        case discarded
        /// It is in the outbox, to be published to a broker's queue.
        case outgoing
        /// A broker has accepted it. Its result is known only if the broker's results are kept.
        case published
        /// It was cancelled on request, alone or with a task before it.
        case cancelled

        /// Whether the task is over: its record does not change any more, unless it is retried on request.
        public var isOver: Bool {
            switch self {
            case .waiting, .running, .outgoing: false
            case .done, .failed, .expired, .discarded, .published, .cancelled: true
            }
        }
    }

    /// How far a task has come, as it has reported by `TaskContext.progress(_:_:)`.
    public struct Progress: Sendable, Hashable, Codable {
        /// From 0 to 1.
        public let fraction: Double
        /// The text of the report, which may be empty.
        public let message: String
    }

    /// The task's id, as in the response's `Task-Id`.
    public let id: String
    /// The name of the task's kind.
    public let name: String
    /// The id of the request that has added the task.
    public let requestID: String
    /// The task's state; for a published task the state in Celery's results, if they have one.
    public internal(set) var state: State
    /// The number of attempts that have begun here, including attempts to publish the task.
    public let attempts: Int
    /// The time at which the task was added to the task store.
    public let added: Date
    /// The earliest time of the next attempt.
    public let due: Date
    /// The time at which the task ended; nil while it is not over.
    public let ended: Date?
    /// The text of the last error. It is for operators, because it may show internals.
    public internal(set) var error: String?
    /// The task's result as JSON; nil if there is none, or if it is not `Encodable`.
    public internal(set) var json: Data?
    /// The last report of the task's attempts; nil if it has reported nothing.
    public internal(set) var progress: Progress?

    /// Decodes the task's result.
    ///
    /// - Returns: nil if there is no result.
    /// - Throws: a `DecodingError` if the result is not of this type.
    public func result<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value? {
        try json.map { try StoredValues.decode(type, from: $0) }
    }
}

extension DurableTaskStatus {
    /// Makes the status of a task that has just been added.
    init(_ record: NewRecord, id: RecordID, of request: TaskOrigin) {
        self.id = id.text
        name = record.name
        requestID = request.requestID
        state = record.queue == nil || record.leavesInTurn ? .waiting : .outgoing
        attempts = 0
        added = Date()
        due = record.notBefore ?? added
        ended = nil
    }

    init(_ record: Record) { self.init(record.summary, result: record.result) }

    init(_ record: RecordSummary, result: Data?) {
        id = record.id.text
        name = record.name
        requestID = record.request
        state = State(record.state)
        attempts = record.attempts
        added = record.added
        due = record.due
        ended = record.ended
        error = record.error
        json = result
        progress = record.progress.map { Progress(fraction: $0.fraction, message: $0.message) }
    }

    /// Takes over the state and result that the broker's results have.
    mutating func add(_ result: TaskBrokerResult) {
        switch result.state {
        case .running: return
        case .done: state = .done
        case .failed: state = .failed
        case .dropped: state = .expired
        }
        json = result.result
        error = result.error
    }
}

extension DurableTaskStatus.State {
    init(_ state: RecordState) {
        self =
            switch state {
            case .waiting: .waiting
            case .running: .running
            case .done: .done
            case .failed: .failed
            case .expired: .expired
            case .discarded: .discarded
            case .outgoing: .outgoing
            case .published: .published
            case .cancelled: .cancelled
            }
    }
}
