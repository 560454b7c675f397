/// A task that has failed for good.
public struct TaskFailure: Sendable {
    /// The task's name.
    public let taskName: String
    /// What the last attempt threw.
    public let error: any Error
    /// How often the task was called.
    public let attempts: Int
    /// The id of the request whose handler has added the task.
    public let requestID: String
    /// The pattern of the request's route.
    public let route: String
}
