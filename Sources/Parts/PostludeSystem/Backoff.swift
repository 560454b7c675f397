/// Exponential back-off: `initial`, `initial * factor`, `initial * factor * factor`, and so on, each at most `maximum`.
package struct Backoff: Sendable {
    /// The longest delay that is returned, in nanoseconds: about thirty years. `Int64` cannot represent much more.
    private static let longest = 1e18

    private let initial: Double
    private let factor: Double
    private let maximum: Double
    private let jitter: Double
    private var failures = 0

    /// Values out of range are replaced by the nearest allowed ones.
    ///
    /// - Parameters:
    ///   - initial: the delay after the first failure.
    ///   - factor: the ratio of each delay to the one before.
    ///   - maximum: the longest delay before jitter is applied.
    ///   - jitter: the largest random change of a delay, as a part of it, from 0 to 1. It spreads the attempts of callers
    ///     that have failed at the same time.
    package init(initial: Duration, factor: Double = 2, maximum: Duration, jitter: Double = 0) {
        self.initial = max(0, Double(initial.saturatedNanoseconds))
        self.factor = factor.isFinite ? max(0, factor) : 1
        self.maximum = max(0, Double(maximum.saturatedNanoseconds))
        self.jitter = jitter.isFinite ? min(1, max(0, jitter)) : 0
    }

    /// Counts a failure.
    ///
    /// - Parameter random: a number from -1 to 1, for the jitter.
    /// - Returns: the delay before the next attempt.
    package mutating func next(random: Double = 0) -> Duration {
        if failures < .max { failures += 1 }
        return delay(after: failures, random: random)
    }

    /// Resets the count after a success: the next failure is the first again.
    package mutating func reset() { failures = 0 }

    /// Returns the delay for a caller that counts the failures itself.
    ///
    /// - Parameters:
    ///   - failures: the number of attempts that have failed in a row, at least 1.
    ///   - random: a number from -1 to 1, for the jitter.
    package func delay(after failures: Int, random: Double = 0) -> Duration {
        var delay = initial
        var counted = 1
        // Not `pow`, which only Glibc has. A delay that has reached the maximum, or zero, does not change any more.
        while counted < failures, factor != 1, delay > 0, delay < maximum || factor < 1 {
            delay *= factor
            counted += 1
        }
        return .nanoseconds(Int64(min(min(delay, maximum) * (1 + jitter * random), Self.longest).rounded()))
    }
}
