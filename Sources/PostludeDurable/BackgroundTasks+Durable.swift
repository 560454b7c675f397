internal import FoundationEssentials
internal import Journal
public import Postlude

extension BackgroundTasks {
    /// Adds a task that is in the journal before the first byte of the response is written, and then runs in its order
    /// among the request's tasks.
    ///
    /// Where the journal cannot be written, the request is answered 503 and none of its tasks runs, but for those whose
    /// condition asks for failures. A handler that throws drops its durable tasks too.
    ///
    /// - Parameters:
    ///   - delay: it runs after this time, not before; whichever process is free then runs it. nil for its turn.
    ///   - key: while another task of this kind with this key is not over, this one is not added, and the other one stands
    ///     for it, here and in the response's `Task-Id`. Of two that are added in the same moment one is not: its response's
    ///     `Task-Id` names the other.
    ///   - expiry: as in ``DurablePolicy/expiry``; nil for the kind's.
    ///   - lane: nil for the kind's.
    /// - Returns: the task's id.
    /// - Throws: ``DurableTaskError`` where the application does not know the kind; `LateTask` once the response has begun;
    ///   what encoding the task throws; for a kind that may leave this machine, why its broker would not take the task.
    @discardableResult
    public func add<Task: DurableTask>(
        _ task: Task, after delay: Duration? = nil, unique key: String? = nil, expiry: Duration? = nil,
        lane: DurableLane? = nil
    ) throws -> DurableTaskHandle {
        guard let store = store as? any DurableTaskStore else {
            throw DurableTaskError.noEngine(task: Task.name)
        }
        guard let kind = store.kinds[Task.name], kind.type == Task.self else {
            throw DurableTaskError.unknownKind(task: Task.name, type: "\(Task.self)")
        }
        if let key, let other = try store.holder(of: key, name: Task.name) {
            try add(stored: KeptTask(id: other.text, name: Task.name))
            return DurableTaskHandle(id: other.text)
        }
        let now = Date()
        var record = kind.record(try StoredValues.encode(task), at: now, expiry: expiry, lane: lane)
        record.notBefore = delay.map(now.advanced(by:))
        record.uniqueKey = key
        // Also what may leave later: nobody could be told then.
        if let queue = record.queue ?? kind.policy.promotion?.place.queue {
            try store.check(OutgoingTask(record, of: requestID), for: queue)
        }
        let stored = JournalTask(task, kind: kind, record: record)
        try add(stored: stored)
        return DurableTaskHandle(id: stored.id)
    }
}

/// A durable task that was added.
public struct DurableTaskHandle: Sendable, Hashable {
    /// A UUID, the same in every process, in the journal and in the response's `Task-Id`, which names a request's first 32.
    public let id: String
}

/// Why a durable task could not be added.
public enum DurableTaskError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The application has no `taskEngine`.
    case noEngine(task: String)
    /// The application's `taskEngine` does not name the kind: nobody could run it after a crash.
    case unknownKind(task: String, type: String)
    /// The application's `taskEngine` has no broker that could bring the task to its queue.
    case noBroker(task: String, queue: String)
    /// The manifest has no `celery`, which says where the broker is.
    case noBrokerAddress(task: String, queue: String)

    public var description: String {
        switch self {
        case .noEngine(let task):
            "the durable task \(task) cannot be added: the application has no taskEngine"
        case .unknownKind(let task, let type):
            "the durable task \(task) cannot be added: the application's taskEngine does not name \(type)"
        case .noBroker(let task, let queue):
            """
            the task \(task) cannot be sent to the queue \(queue): the application's taskEngine has no broker; \
            make it by .durable(through: .celery)
            """
        case .noBrokerAddress(let task, let queue):
            """
            the task \(task) cannot be sent to the queue \(queue): the manifest has no `celery`; name the broker, such as \
            celery: { broker: amqp://localhost }
            """
        }
    }
}

extension Lane {
    init(_ lane: DurableLane) {
        self =
            switch lane {
            case .high: .high
            case .normal: .normal
            case .low: .low
            }
    }
}

extension Date {
    func advanced(by duration: Duration) -> Date {
        addingTimeInterval(
            Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18)
    }
}
