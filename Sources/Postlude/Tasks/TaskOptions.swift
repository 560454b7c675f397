/// How a task is run, apart from what it does.
@usableFromInline
struct TaskOptions: Sendable {
    let condition: TaskCondition
    /// nil for the route's.
    let deadline: Duration?
    let retry: RetryPolicy
    let stopOnFailure: Bool

    @usableFromInline
    init(
        condition: TaskCondition = .handlerReturned, deadline: Duration? = nil, retry: RetryPolicy = .none,
        stopOnFailure: Bool = false
    ) {
        self.condition = condition
        self.deadline = deadline
        self.retry = retry
        self.stopOnFailure = stopOnFailure
    }
}
