package import Linux

/// When a process that has died is replaced, and when the supervisor gives up.
package struct RestartPolicy: Sendable {
    package enum Decision: Equatable, Sendable {
        case replace(after: Duration)
        /// So many have died within the interval.
        case giveUp(deaths: Int)
    }

    /// A process that dies within this time of its start has not worked: the next one waits longer.
    static let probation: Duration = .seconds(10)
    static let firstDelay: Duration = .milliseconds(50)
    static let longestDelay: Duration = .seconds(5)

    /// How many deaths within `interval` are too many.
    package var limit: Int
    package var interval: Duration
    private var deaths: [MonotonicTime] = []
    private var earlyDeaths = 0

    package init(limit: Int, interval: Duration) {
        self.limit = limit
        self.interval = interval
    }

    package mutating func died(at time: MonotonicTime, startedAt start: MonotonicTime) -> Decision {
        deaths = deaths.filter { time - $0 < interval } + [time]
        guard deaths.count < max(1, limit) else { return .giveUp(deaths: deaths.count) }
        guard time - start < Self.probation else {
            earlyDeaths = 0
            return .replace(after: .zero)
        }
        earlyDeaths += 1
        guard earlyDeaths > 1 else { return .replace(after: .zero) }
        // Far fewer doublings than would overflow reach the longest delay.
        let doublings = min(earlyDeaths - 2, 16)
        return .replace(after: min(Self.firstDelay * (1 << doublings), Self.longestDelay))
    }
}
