internal import HTTPTypes

/// The condition on which a task runs: an outcome of the request whose handler has added it.
///
/// ```swift
/// tasks.add(when: .success, sendReceipt, order)
/// tasks.add(when: .failure, refund, payment)
/// tasks.add(named: "not delivered", when: .always.andUndelivered) { … }
/// ```
///
/// A task without a condition runs unless the handler has thrown, because it usually depends on work that the handler then
/// has not finished. Dropped tasks are named in the log.
public struct TaskCondition: Sendable, Hashable {
    enum Answer: Sendable, Hashable {
        case handlerReturned, success, failure, any
    }

    let answer: Answer
    /// Whether the web server must have taken the whole response, or must not; nil if it does not matter.
    let isDelivered: Bool?

    /// Neither the handler nor its inputs nor middleware around it has thrown, whatever the status. The default.
    ///
    /// For a task that middleware has added: neither that middleware nor middleware around it has thrown.
    public static let handlerReturned = TaskCondition(answer: .handlerReturned, isDelivered: nil)

    /// Nothing was thrown, and the status is below 400.
    public static let success = TaskCondition(answer: .success, isDelivered: nil)

    /// The handler, an input or middleware around it has thrown, or the status is 400 or above.
    ///
    /// Only tasks that were added before the error can run.
    public static let failure = TaskCondition(answer: .failure, isDelivered: nil)

    /// Any outcome.
    public static let always = TaskCondition(answer: .any, isDelivered: nil)

    /// Nothing was thrown, and the web server took the whole response. It may not have reached the client: the web server
    /// may hold it in its buffers.
    public static let delivered = handlerReturned.andDelivered

    /// Nothing was thrown, and the web server did not take the whole response: the client went away, or was too slow.
    public static let undelivered = handlerReturned.andUndelivered

    /// This condition, and the web server took the whole response.
    public var andDelivered: TaskCondition { TaskCondition(answer: answer, isDelivered: true) }

    /// This condition, and the web server did not take the whole response.
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
