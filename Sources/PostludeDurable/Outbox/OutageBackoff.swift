package import PostludeSystem

/// A time in which nothing gets through: how long it lasts, when to try, when to speak of it.
package struct OutageBackoff {
    private static let first = 0.5
    private static let longest = 60.0
    private static let reports = Duration.seconds(600)

    package let since = MonotonicTime.now
    package private(set) var failures = 0
    private var delay = Duration.zero
    private var nextTry = MonotonicTime.now
    private var nextReport = MonotonicTime.now
    package private(set) var isToBeReported = false

    package init() {}

    package var rest: Duration { max(.zero, nextTry - .now) }

    /// For the log, which does not tell of every try: when the next one is, and how often there will be others.
    package var nextTryText: String {
        let tenths = Int(delay / .milliseconds(100))
        let time = tenths < 100 ? "\(tenths / 10).\(tenths % 10) s" : "\(tenths / 10) s"
        return delay < .seconds(Self.longest * 0.8)
            ? "in \(time), then later and later, about every \(Int(Self.longest)) s at last"
            : "in \(time), and again about every \(Int(Self.longest)) s"
    }

    /// It has failed once more.
    ///
    /// - Parameters:
    ///   - isSettings: whether it cannot end before a person changes something.
    ///   - random: -1 to 1, so that processes that have lost the broker together do not come back together.
    /// - Returns: when to try again: 0.5, 1, 2, … 60 s, ±20 %.
    @discardableResult
    package mutating func next(isSettings: Bool, random: Double = .random(in: -1...1)) -> Duration {
        failures += 1
        var seconds = isSettings ? Self.longest : Self.first
        for _ in 1..<min(failures, 10) where seconds < Self.longest { seconds *= 2 }
        delay = Duration.seconds(min(seconds, Self.longest) * (1 + 0.2 * random))
        let now = MonotonicTime.now
        nextTry = now + delay
        isToBeReported = now >= nextReport
        if isToBeReported { nextReport = now + Self.reports }
        return delay
    }
}
