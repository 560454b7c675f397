package import FoundationEssentials
internal import PostludeSystem

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

    /// The error of the record in the task store.
    var error: String { "\(reason) (death \(deaths) of \(Self.limit))" }

    private static let backoff = Backoff(initial: .seconds(1), factor: 3, maximum: .seconds(9))

    /// Returns the delay of the next attempt, in milliseconds: 1000 after the first death, and three times as long after each
    /// further one.
    static func delay(after deaths: Int) -> Int64 {
        backoff.delay(after: deaths).saturatedNanoseconds / 1_000_000
    }
}

/// An owner whose process is dead.
struct DeadOwner: Sendable {
    let number: Int64
    let pid: Int64
    let crashReport: RunningRecords.CrashReport
    let end: ProcessEnd

    func reason(of attempt: RunningRecords.Attempt) -> String {
        switch (attempt, end) {
        case (.endless, _): "it ran past tasks.kill-time, so that its process was replaced: pid \(pid)"
        case (.running, .known(let end)): "its process died: \(end), pid \(pid)"
        case (.running, _): "its process died: pid \(pid)"
        }
    }
}
