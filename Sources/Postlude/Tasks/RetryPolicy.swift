internal import PostludeSystem

/// How often a task that throws is called again, and after which times.
///
/// ```swift
/// tasks.add(retry: .init(attempts: 5, delay: .seconds(1)), deliver, message)   // after 1, 2, 4 and 8 s, ±20 %
/// ```
///
/// The tasks after it wait too, since the tasks of a request run in order; the worker serves other requests meanwhile.
/// A retry whose time is past the end of `shutdown-grace` is not made: the task has failed then.
public struct RetryPolicy: Sendable, Hashable {
    /// How often the task is called at most, the first time included.
    public var attempts: Int
    /// The time between the first failure and the second attempt.
    public var delay: Duration
    /// By how much each delay is longer than the one before.
    public var factor: Double
    /// No delay is longer, but for jitter.
    public var maximumDelay: Duration
    /// By which part of itself a delay is made longer or shorter at random, 0 to 1, so that what failed together does
    /// not come back together.
    public var jitter: Double

    /// The delays are `delay`, `delay * factor`, `delay * factor * factor`, …, each at most `maximumDelay`.
    public init(
        attempts: Int, delay: Duration = .seconds(1), factor: Double = 2,
        maximumDelay: Duration = .seconds(300), jitter: Double = 0.2
    ) {
        self.attempts = attempts
        self.delay = delay
        self.factor = factor
        self.maximumDelay = maximumDelay
        self.jitter = jitter
    }

    /// One attempt.
    public static let none = RetryPolicy(attempts: 1)

    /// - Parameters:
    ///   - failures: how many attempts have failed, at least 1.
    ///   - random: -1 to 1.
    /// - Returns: nil when there is no attempt left.
    func delay(after failures: Int, random: Double) -> Duration? {
        guard failures < attempts else { return nil }
        var seconds = max(0, Double(delay.saturatedNanoseconds) / 1e9)
        let limit = max(0, Double(maximumDelay.saturatedNanoseconds) / 1e9)
        let factor = factor.isFinite ? max(0, factor) : 1
        // Not `pow`, which is Glibc's alone; a delay that is at its limit, or at zero, stays there.
        for _ in 1..<max(1, failures) where seconds > 0 && (seconds < limit || factor < 1) {
            seconds *= factor
        }
        let spread = jitter.isFinite ? min(1, max(0, jitter)) * random : 0
        return .nanoseconds(Int64(min(min(seconds, limit) * (1 + spread), 1e9) * 1e9))
    }
}
