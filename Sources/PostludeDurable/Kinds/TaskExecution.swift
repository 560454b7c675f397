/// Where the tasks of a kind run.
public struct TaskExecution: Sendable, Hashable {
    /// The broker's queue; nil for this machine's processes.
    package let queue: String?

    package init(queue: String?) { self.queue = queue }

    /// On the worker of the task's request, or after a crash in whichever process takes it.
    public static let here = TaskExecution(queue: nil)
}
