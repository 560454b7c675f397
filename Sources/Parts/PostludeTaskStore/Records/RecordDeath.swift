package import FoundationEssentials
package import PostludeSystem

/// The death of a process that was running a record.
package struct RecordDeath: Sendable {
    /// The number of deaths that makes a record a dead letter.
    package static let limit = 3

    package var record: RecordSummary
    /// The number of deaths so far, including this one.
    package var deaths: Int
    /// What is known about the death, such as `its process died: signal 4, pid 4711`.
    package var reason: String
    /// When the next attempt may begin; nil if it is a dead letter.
    package var next: Date?

    /// - Parameter next: when the next attempt may begin; nil if it is a dead letter.
    package init(record: RecordSummary, deaths: Int, reason: String, next: Date? = nil) {
        self.record = record
        self.deaths = deaths
        self.reason = reason
        self.next = next
    }

    /// Returns what is known about the death of a process.
    ///
    /// - Parameter isEndless: whether the record has ended it, because its attempt ran past the time after which its process is
    ///   replaced.
    package static func reason(_ end: ProcessEnd, pid: Int64, isEndless: Bool) -> String {
        switch end {
        case _ where isEndless: "it ran past tasks.kill-time, so that its process was replaced: pid \(pid)"
        case .known(let end): "its process died: \(end), pid \(pid)"
        default: "its process died: pid \(pid)"
        }
    }

    /// The error of the record in the task store.
    package var error: String { "\(reason) (death \(deaths) of \(Self.limit))" }

    private static let backoff = Backoff(initial: .seconds(1), factor: 3, maximum: .seconds(9))

    /// Returns the delay of the next attempt, in milliseconds: 1000 after the first death, and three times as long after each
    /// further one.
    package static func delay(after deaths: Int) -> Int64 {
        backoff.delay(after: deaths).saturatedNanoseconds / 1_000_000
    }
}
