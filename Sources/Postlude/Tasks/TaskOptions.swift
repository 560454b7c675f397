/// How a task is run, apart from what it does.
struct TaskOptions: Sendable {
    var condition = TaskCondition.notThrown
    /// nil for the route's.
    var deadline: Duration?
    var retry = RetryPolicy.none
    var stopOnFailure = false
}
