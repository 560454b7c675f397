internal import FoundationEssentials
internal import Postlude
internal import PostludeTaskStore

/// The options with which a durable task is added.
struct EnqueueOptions {
    /// The time after which the task runs, in any process that is free then; nil for at once.
    var delay: Duration?
    /// The unique key.
    var key: String?
    var scope = UniqueScope.unfinished
    /// nil for the kind's.
    var expiry: Duration?
    /// nil for the kind's.
    var priority: DurablePriority?
}

extension DurableTaskKinds {
    /// Makes the record of a new task.
    ///
    /// - Parameters:
    ///   - requestID: the id of the request that adds it.
    ///   - check: checks a task that may be published to a broker's queue.
    /// - Throws: ``DurableTaskError`` if the application does not have the kind; the error of encoding the task, or of `check`.
    func record<Task: DurableTask>(
        of task: Task, _ options: EnqueueOptions, from requestID: String, at now: Date = Date(),
        check: (OutgoingTask, String) throws -> Void
    ) throws -> (record: NewRecord, kind: DurableTaskKind) {
        guard let kind = self[Task.name], kind.type == Task.self else {
            throw DurableTaskError.unknownKind(task: Task.name, type: "\(Task.self)")
        }
        let record = try kind.record(
            StoredValues.encode(task), options, from: requestID, at: now, check: check)
        return (record, kind)
    }
}

extension DurableTaskKind {
    /// Makes the record of a new task whose values are encoded already.
    func record(
        _ payload: Data, _ options: EnqueueOptions, from requestID: String, at now: Date = Date(),
        check: (OutgoingTask, String) throws -> Void
    ) throws -> NewRecord {
        try checkLimit(of: payload)
        var record = record(payload, at: now, expiry: options.expiry, priority: options.priority)
        record.notBefore = options.delay.map(now.advanced(by:))
        if let key = options.key {
            record.uniqueKey = key
            record.uniqueScope = UniqueKeyScope(options.scope)
        }
        // A task that may move to the queue later is checked, too: an error could not be reported then.
        if let queue = record.queue ?? policy.rerouting?.destination.queue {
            try check(OutgoingTask(record, of: requestID), queue)
        }
        return record
    }
}
