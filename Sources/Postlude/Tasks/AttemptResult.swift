internal import PostludeScoreboard

/// What has become of an attempt of a task, or why there is none in this process.
///
/// The queue decides it (`TaskQueue.ended`). The runner logs it, the task's store learns it, and metrics and the status page
/// count it by its `outcome`.
package enum AttemptResult: Sendable {
    case done
    /// It has failed, and this process calls the task again.
    case retried(any Error, after: Duration)
    /// It has failed, and there is no other attempt, or no time for one before the process ends.
    case failed(any Error)
    /// It has failed, and its store moves the task to the queue that ``PersistedTask/promotion(isPastDeadline:isLast:)`` has
    /// named.
    case moved(any Error, to: String)
    /// The task is for another process: it was not begun, or waited, when this one ended. With the error of an attempt that
    /// was the last one here.
    case left((any Error)?)
    /// The task was cancelled by its handle, or its condition was not met.
    case dropped
    /// A task before it has failed, and it was to run only after that one: that one's name, and its id if it is stored.
    case stopped(by: String, id: String?)
    /// It still ran when the process ended.
    case cutOff

    /// How metrics and the status page count it; nil if they do not.
    var outcome: TaskOutcome? {
        switch self {
        case .done: .done
        case .retried, .moved, .left(_?): .retried
        case .failed: .failed
        case .dropped, .stopped: .dropped
        case .left(nil), .cutOff: nil
        }
    }

    /// The same with another error, if it has one.
    func mapError(_ transform: (any Error) -> any Error) -> AttemptResult {
        switch self {
        case .retried(let error, let delay): .retried(transform(error), after: delay)
        case .failed(let error): .failed(transform(error))
        case .moved(let error, let queue): .moved(transform(error), to: queue)
        case .left(let error): .left(error.map(transform))
        case .done, .dropped, .stopped, .cutOff: self
        }
    }
}
