package import PostludeSystem

/// When a process that has died is replaced, and when the supervisor gives up.
///
/// A program of which one process has been ready works: what dies later is started again for ever, after delays that
/// grow while processes die young. A program of which none has ever been ready does not work.
package struct RestartPolicy: Sendable {
    package enum Decision: Equatable, Sendable {
        case replace(after: Duration)
        /// So many have died, and none was ever ready.
        case giveUp(deaths: Int)
    }

    /// A process that dies within this time of its start has not worked: the next one waits longer.
    static let probation: Duration = .seconds(10)
    static let firstDelay: Duration = .milliseconds(50)
    /// Of a program that works: what makes its processes die is mostly a request or a task, and the others wait.
    static let longestDelay: Duration = .seconds(1)
    static let longestDelayBeforeReady: Duration = .seconds(5)

    /// Whether a process of this program has ever been ready.
    private(set) var hasWorked = false
    private var deathsBeforeReady = 0
    private var earlyDeaths = 0

    package init() {}

    /// A process of this program is ready.
    package mutating func becameReady() { hasWorked = true }

    /// The operator wants another try.
    package mutating func tryAgain() {
        deathsBeforeReady = 0
        earlyDeaths = 0
    }

    /// - Parameter limit: how many may die before one is ready.
    package mutating func died(
        at time: MonotonicTime, startedAt start: MonotonicTime, limit: Int
    ) -> Decision {
        if !hasWorked {
            deathsBeforeReady += 1
            guard deathsBeforeReady < limit else { return .giveUp(deaths: deathsBeforeReady) }
        }
        guard time - start < Self.probation else {
            earlyDeaths = 0
            return .replace(after: .zero)
        }
        earlyDeaths += 1
        guard earlyDeaths > 1 else { return .replace(after: .zero) }
        // Far fewer doublings than would overflow reach the longest delay.
        let doublings = min(earlyDeaths - 2, 16)
        let longest = hasWorked ? Self.longestDelay : Self.longestDelayBeforeReady
        return .replace(after: min(Self.firstDelay * (1 << doublings), longest))
    }
}
