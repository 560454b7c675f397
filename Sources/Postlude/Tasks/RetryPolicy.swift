internal import PostludeSystem

/// How often a task that throws is called again, and after which delays.
///
/// ```swift
/// tasks.add(retry: .init(attempts: 5, delay: .seconds(1)), deliver, message)   // after 1, 2, 4 and 8 s, ±20 %
/// ```
///
/// The tasks after it wait, too, since the tasks of a request run in order; in the meantime, the worker serves other
/// requests. A retry that would come after the end of `shutdown-grace` is not made: the task fails, or is left to another
/// process if it is durable.
public struct RetryPolicy: Sendable, Hashable {
    /// The maximum number of attempts, including the first one.
    public var attempts: Int
    /// The time between the first failure and the second attempt.
    public var delay: Duration
    /// The factor by which each delay is longer than the one before.
    public var factor: Double
    /// The longest delay, before jitter.
    public var maximumDelay: Duration
    /// The largest fraction by which a delay is lengthened or shortened at random, 0 to 1, so that tasks that failed together
    /// are not retried together.
    public var jitter: Double
    /// What follows errors of certain types, instead of another attempt. The first rule that applies counts.
    ///
    /// ```swift
    /// RetryPolicy(attempts: 5, onError: [.discard(NotFound.self), .fail(BadRequest.self)])
    /// ```
    public var onError: [TaskErrorRule]

    /// Makes a policy whose delays are `delay`, `delay * factor`, `delay * factor * factor`, …, each at most `maximumDelay`.
    public init(
        attempts: Int, delay: Duration = .seconds(1), factor: Double = 2,
        maximumDelay: Duration = .seconds(300), jitter: Double = 0.2, onError: [TaskErrorRule] = []
    ) {
        self.attempts = attempts
        self.delay = delay
        self.factor = factor
        self.maximumDelay = maximumDelay
        self.jitter = jitter
        self.onError = onError
    }

    /// No retries: a single attempt.
    public static let none = RetryPolicy(attempts: 1)

    /// - Parameters:
    ///   - failures: the number of failed attempts, at least 1.
    ///   - random: a number from -1 to 1.
    /// - Returns: the delay before the next attempt; nil if no attempt is left.
    func delay(after failures: Int, random: Double) -> Duration? {
        guard failures < attempts else { return nil }
        return Backoff(initial: delay, factor: factor, maximum: maximumDelay, jitter: jitter)
            .delay(after: failures, random: random)
    }
}
