internal import Postlude
internal import PostludeTaskStore

/// A task of which this module's store keeps a record.
protocol RecordedTask: PersistedTask {
    var record: NewRecord { get }
    /// What the task store has for it; nil until it is kept.
    var receipt: KeptDurableTask? { get }

    /// The task store has it.
    ///
    /// - Parameters:
    ///   - record: as it was written.
    ///   - runsHere: whether this process is the owner of what is due.
    func kept(
        _ kept: KeptRecord, as record: NewRecord, of request: TaskOrigin, in access: TaskStoreAccess,
        runsHere: Bool)
}

/// A durable task that was added.
public struct DurableTaskHandle: Sendable, Hashable {
    /// A UUID, the same in every process, in the task store and in the response's `Task-Id`, which names a request's first 32.
    public let id: String
}

/// A durable task that is in the task-store: what ``Postlude/BackgroundTasks/keep()`` has found or made.
public struct KeptDurableTask: Sendable, Hashable {
    /// Whether this request has added it; else another one has, and it stands for the one that was to be added.
    public let isNew: Bool
    /// How far it has come.
    public let status: DurableTaskStatus
    /// As in the response's `Task-Id`.
    public var id: String { status.id }
}

extension KeptDurableTask {
    init(_ kept: KeptRecord, as record: NewRecord, of request: TaskOrigin) {
        switch kept {
        case .added(let id): self.init(isNew: true, status: DurableTaskStatus(record, id: id, of: request))
        case .exists(let other): self.init(isNew: false, status: DurableTaskStatus(other))
        }
    }
}
