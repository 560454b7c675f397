public import FoundationEssentials
internal import Postlude
internal import PostludeTaskStore

/// How far a durable task has come.
public struct DurableTaskStatus: Sendable, Hashable {
    /// Where a task stands. The names are those of `tasks list --state`.
    public enum State: String, Sendable, Hashable, CaseIterable, Codable {
        /// It is to run: at once, at its time, or when its worker comes to it.
        case waiting
        /// An attempt has begun.
        case running
        /// It has succeeded.
        case done
        /// A dead letter: its attempts are exhausted, or it failed for good.
        case failed
        /// Its time was over before it ran.
        case expired
        /// It was discarded on request, or one before it has failed.
        case discarded
        /// It is to leave for a broker's queue.
        case outgoing
        /// A broker has it. What became of it there is only known where the broker's results are kept.
        case published

        /// Whether nothing more happens to it in this task store, unless it is retried on request.
        public var isOver: Bool {
            switch self {
            case .waiting, .running, .outgoing: false
            case .done, .failed, .expired, .discarded, .published: true
            }
        }
    }

    /// As in the response's `Task-Id`.
    public let id: String
    /// Its kind's.
    public let name: String
    /// The id of the request that has added it.
    public let requestID: String
    /// Where it stands; of a task that has left what Celery's results say, if they say something.
    public internal(set) var state: State
    /// Those that have begun here.
    public let attempts: Int
    /// When it came into the task store.
    public let added: Date
    /// Before which its next attempt does not begin.
    public let due: Date
    /// nil while it is not over.
    public let ended: Date?
    /// The text of the last error. It is for the person on call: it may show internals.
    public internal(set) var error: String?
    /// What it has returned, as JSON; nil if that is not `Encodable`.
    public internal(set) var json: Data?

    /// What it has returned.
    ///
    /// - Returns: nil while there is nothing.
    /// - Throws: where that is of another type.
    public func result<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value? {
        try json.map { try StoredValues.decode(type, from: $0) }
    }
}

extension DurableTaskStatus {
    /// A task that has just been added.
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

    init(_ record: Record) {
        id = record.id.text
        name = record.name
        requestID = record.request
        state = State(record.state)
        attempts = record.attempts
        added = record.added
        due = record.due
        ended = record.ended
        error = record.error
        json = record.result
    }

    /// What is known of it elsewhere.
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
            }
    }
}
