package import PostludeSystem

/// Decides when a process that has died is replaced, and when the supervisor gives up.
///
/// A program works if one of its processes has been ready: then processes that die are replaced without limit, after
/// delays that grow while processes die early. If none has ever been ready, the program does not work.
package struct RestartPolicy: Sendable {
    package enum Decision: Equatable, Sendable {
        case replace(after: Duration)
        /// This many processes have died, and none was ever ready.
        case giveUp(deaths: Int)
    }

    /// A process that dies within this time after its start dies early, and delays the next one.
    static let probation: Duration = .seconds(10)
    static let firstDelay: Duration = .milliseconds(50)
    /// For a program that works, whose processes usually die of a request or a task: other requests are waiting.
    static let longestDelay: Duration = .seconds(1)
    static let longestDelayBeforeReady: Duration = .seconds(5)

    /// Whether a process of this program has ever been ready.
    private(set) var hasWorked = false
    private var deathsBeforeReady = 0
    private var earlyDeaths = 0

    package init() {}

    /// Records that a process of this program is ready.
    package mutating func becameReady() { hasWorked = true }

    /// Forgets earlier deaths, because the operator wants another attempt.
    package mutating func tryAgain() {
        deathsBeforeReady = 0
        earlyDeaths = 0
    }

    /// Records the death of a process, and decides what follows.
    ///
    /// - Parameter limit: the number of processes that may die before one is ready.
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
        let longest = hasWorked ? Self.longestDelay : Self.longestDelayBeforeReady
        let backoff = Backoff(initial: Self.firstDelay, maximum: longest)
        return .replace(after: backoff.delay(after: earlyDeaths - 1))
    }
}
