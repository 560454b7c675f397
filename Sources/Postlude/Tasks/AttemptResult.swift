internal import PostludeScoreboard

/// The result of an attempt of a task, or the reason why this process makes none.
///
/// `TaskQueue.ended` determines it. The runner logs it, the task's store records it, and metrics and the status page count it
/// by its `outcome`.
package enum AttemptResult: Sendable {
    case done
    /// The attempt has failed, and this process makes another one.
    case retried(any Error, after: Duration)
    /// The attempt has failed, and no other one is left, or there is no time for one before the process ends.
    case failed(any Error)
    /// The attempt has failed, and the store moves the task to the queue that
    /// ``PersistedTask/reroutingQueue(isPastDeadline:isLast:)`` has returned.
    case moved(any Error, to: String)
    /// The task is left to another process: this one ends before the task begins, or before its next attempt. Has the error
    /// of the attempt that has just failed, if there was one.
    case released((any Error)?)
    /// The task was cancelled by its handle, or its condition was not met.
    case dropped
    /// The task was dropped because a task before it has failed. Has that task's name, and its id if it is stored.
    case stopped(by: String, id: String?)
    /// An operator has cancelled the task. Whatever the attempt has returned or thrown does not count.
    case cancelled
    /// The task was still running when the process ended.
    case cutOff

    /// The outcome that metrics and the status page count; nil if they count none.
    var outcome: TaskOutcome? {
        switch self {
        case .done: .done
        case .retried, .moved, .released(_?): .retried
        case .failed: .failed
        case .dropped, .stopped, .cancelled: .dropped
        case .released(nil), .cutOff: nil
        }
    }

    /// Returns the same result with its error transformed, if it has one.
    func mapError(_ transform: (any Error) -> any Error) -> AttemptResult {
        switch self {
        case .retried(let error, let delay): .retried(transform(error), after: delay)
        case .failed(let error): .failed(transform(error))
        case .moved(let error, let queue): .moved(transform(error), to: queue)
        case .released(let error): .released(error.map(transform))
        case .done, .dropped, .stopped, .cancelled, .cutOff: self
        }
    }
}
