/// Delays that grow with each failure: `initial`, `initial * factor`, `initial * factor * factor`, …, each at most
/// `maximum`.
package struct Backoff: Sendable {
    /// Longer delays would not fit into a `Duration`'s nanoseconds: thirty years.
    private static let longest = 1e18

    private let initial: Double
    private let factor: Double
    private let maximum: Double
    private let jitter: Double
    private var failures = 0

    /// Values out of range are replaced by the nearest that is in it: none of them traps.
    ///
    /// - Parameters:
    ///   - initial: the delay after the first failure.
    ///   - factor: by how much each delay is longer than the one before.
    ///   - maximum: no delay is longer, except by jitter.
    ///   - jitter: the part of itself by which a delay is made longer or shorter at random, 0 to 1, so that what failed
    ///     together does not come back together.
    package init(initial: Duration, factor: Double = 2, maximum: Duration, jitter: Double = 0) {
        self.initial = max(0, Double(initial.saturatedNanoseconds))
        self.factor = factor.isFinite ? max(0, factor) : 1
        self.maximum = max(0, Double(maximum.saturatedNanoseconds))
        self.jitter = jitter.isFinite ? min(1, max(0, jitter)) : 0
    }

    /// Counts one more failure.
    ///
    /// - Parameter random: -1 to 1, for the jitter.
    /// - Returns: the delay before the next attempt.
    package mutating func next(random: Double = 0) -> Duration {
        if failures < .max { failures += 1 }
        return delay(after: failures, random: random)
    }

    /// An attempt has succeeded: the next failure counts as the first.
    package mutating func reset() { failures = 0 }

    /// The delay for a caller that counts the failures.
    ///
    /// - Parameters:
    ///   - failures: how many attempts have failed in a row, at least 1.
    ///   - random: -1 to 1, for the jitter.
    package func delay(after failures: Int, random: Double = 0) -> Duration {
        var delay = initial
        var counted = 1
        // Not `pow`, which is Glibc's alone. A delay that has reached the maximum, or zero, stays there.
        while counted < failures, factor != 1, delay > 0, delay < maximum || factor < 1 {
            delay *= factor
            counted += 1
        }
        return .nanoseconds(Int64(min(min(delay, maximum) * (1 + jitter * random), Self.longest).rounded()))
    }
}
