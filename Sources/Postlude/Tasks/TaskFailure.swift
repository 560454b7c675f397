/// A task that has failed for good.
public struct TaskFailure: Sendable {
    /// The task's name.
    public let task: String
    public let error: any Error
    /// The id of the request whose handler has added the task.
    public let requestID: String
    /// The pattern of the request's route.
    public let route: String
}
