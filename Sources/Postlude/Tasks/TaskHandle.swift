/// A task that was added: its state, and the way to take it back.
public struct TaskHandle: Sendable {
    let task: BackgroundTask

    /// What has become of a task.
    public enum State: Int, Sendable {
        /// It waits for its turn.
        case queued
        /// Its function is being called.
        case running
        /// It has failed, and waits for its next attempt.
        case waiting
        /// It has returned.
        case done
        /// It has failed for good.
        case failed
        /// It was taken back by ``TaskHandle/cancel()``.
        case cancelled
        /// Its condition was not met, or a task before it had failed (`stopOnFailure`).
        case dropped
    }

    /// The task's name, or its place in the source.
    public var name: String { task.name }
    /// What has become of it up to now.
    public var state: State { task.state }

    /// Takes the task back, unless it is running or over. One that waits for its next attempt can be taken back, too.
    ///
    /// - Returns: whether it will not be called (again).
    @discardableResult
    public func cancel() -> Bool { task.cancel() }
}
