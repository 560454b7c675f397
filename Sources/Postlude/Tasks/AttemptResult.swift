internal import PostludeScoreboard

/// The result of an attempt of a task, or the reason why this process makes none.
///
/// `TaskQueue.ended` determines it. The runner logs it, the task's store records it, and metrics and the status page count it
/// by its `outcome`.
package enum AttemptResult: Sendable {
    case done
    /// The attempt has failed, and another one follows: in this process, unless the task leaves between attempts
    /// (``PersistedTask/leavesBetweenAttempts``).
    case retried(any Error, after: Duration)
    /// The attempt has failed, and no other one is left, or there is no time for one before the process ends.
    case failed(any Error)
    /// The attempt has failed, and the store moves the task to the queue that
    /// ``PersistedTask/reroutingQueue(isPastDeadline:isLast:)`` has returned.
    case moved(any Error, to: String)
    /// The attempt has said that it does not succeed now, and another one follows, here or by its store. The error says why.
    /// Without `counts` the attempt is not one of the retry policy's.
    case postponed(any Error, for: Duration, counts: Bool)
    /// The attempt has ended the task, which is not needed any more, for a reason.
    case discarded(String)
    /// The task is left to another process: this one ends before the task begins, or before its next attempt. Has the error
    /// of the attempt that has just failed, if there was one; an attempt that was interrupted does not count.
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
        case .retried, .moved, .released(_?), .postponed(_, _, counts: true): .retried
        case .failed: .failed
        case .dropped, .stopped, .discarded, .cancelled: .dropped
        case .released(nil), .cutOff, .postponed(_, _, counts: false): nil
        }
    }

    /// Whether the attempt has failed.
    var isFailure: Bool {
        switch self {
        case .retried, .failed, .moved, .released(_?), .postponed(_, _, counts: true): true
        case .done, .released(nil), .postponed, .discarded, .dropped, .stopped, .cancelled, .cutOff: false
        }
    }

    /// Returns the same result with its error transformed, if it has one.
    func mapError(_ transform: (any Error) -> any Error) -> AttemptResult {
        switch self {
        case .retried(let error, let delay): .retried(transform(error), after: delay)
        case .failed(let error): .failed(transform(error))
        case .moved(let error, let queue): .moved(transform(error), to: queue)
        case .released(let error): .released(error.map(transform))
        case .postponed(let error, let delay, let counts):
            .postponed(transform(error), for: delay, counts: counts)
        case .done, .dropped, .stopped, .cancelled, .cutOff, .discarded: self
        }
    }
}
