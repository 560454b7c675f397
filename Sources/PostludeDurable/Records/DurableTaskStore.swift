internal import Postlude
internal import PostludeTaskStore

/// A store that knows kinds of durable tasks.
protocol DurableTaskStore: TaskStore {
    var kinds: DurableTaskKinds { get }

    /// - Returns: the task of that name that is not over and has a unique key.
    func holder(of key: String, name: String) throws -> RecordID?

    func record(_ id: RecordID) throws -> Record?

    /// - Returns: the newest task of that name that has a unique key, over or not.
    func newest(of key: String, name: String) throws -> Record?

    /// What tells of tasks that have left; nil if the application has no broker, or is not served.
    var broker: (any OpenTaskBroker)? { get }

    /// Checks what is to be kept for a queue.
    ///
    /// - Throws: also where the application has no broker.
    func check(_ task: OutgoingTask, for queue: String) throws
}
