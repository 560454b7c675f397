internal import HTTPTypes

/// When a task runs: what became of the request whose handler has added it.
///
/// ```swift
/// tasks.add(when: .success, sendReceipt, order)
/// tasks.add(when: .failure, refund, payment)
/// tasks.add(named: "not delivered", when: .always.andUndelivered) { … }
/// ```
///
/// A task without a condition runs unless the handler has thrown: what it meant to do afterwards rests on what it has
/// not finished. Dropped tasks are named in the log.
public struct TaskCondition: Sendable, Hashable {
    enum Answer: Sendable, Hashable {
        case handlerReturned, success, failure, any
    }

    let answer: Answer
    /// nil if it does not matter.
    let isDelivered: Bool?

    /// The handler and its inputs have not thrown, nor has middleware around it, whatever the status. The default.
    ///
    /// For a task that middleware has added: that middleware has not thrown, nor has what is around it.
    public static let handlerReturned = TaskCondition(answer: .handlerReturned, isDelivered: nil)

    /// Nothing was thrown, and the status is below 400.
    public static let success = TaskCondition(answer: .success, isDelivered: nil)

    /// The handler, an input or middleware around it has thrown, or the status is 400 or above.
    ///
    /// A task can be there only if it was added before.
    public static let failure = TaskCondition(answer: .failure, isDelivered: nil)

    /// Whatever happened.
    public static let always = TaskCondition(answer: .any, isDelivered: nil)

    /// Nothing was thrown, and the web server took the whole response. That it reached the client is not said: the
    /// web server may hold it in its buffers.
    public static let delivered = handlerReturned.andDelivered

    /// Nothing was thrown, and the web server did not take the whole response: the client went away, or was too slow.
    public static let undelivered = handlerReturned.andUndelivered

    /// The same, and the web server took the whole response.
    public var andDelivered: TaskCondition { TaskCondition(answer: answer, isDelivered: true) }

    /// The same, and the web server did not take the whole response.
    public var andUndelivered: TaskCondition { TaskCondition(answer: answer, isDelivered: false) }

    func isMet(by outcome: RequestOutcome) -> Bool {
        if let isDelivered, isDelivered != outcome.isDelivered { return false }
        let hasFailed = outcome.hasThrown || outcome.status.code >= 400
        switch answer {
        case .handlerReturned: return !outcome.hasThrown
        case .success: return !hasFailed
        case .failure: return hasFailed
        case .any: return true
        }
    }
}
