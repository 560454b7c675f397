package import FoundationEssentials
internal import PostludeSystem

/// A record was running when its process died.
package struct RecordDeath: Sendable {
    /// So many make it a dead letter.
    package static let limit = 3

    package var record: RecordSummary
    /// How many its processes have died so far, this one included.
    package var deaths: Int
    /// What is known of the end, such as `its process died: signal 4, pid 4711`.
    package var reason: String
    /// When the next attempt may begin; nil if it is a dead letter.
    package var next: Date?

    /// The text that stands in the task store.
    var error: String { "\(reason) (death \(deaths) of \(Self.limit))" }

    /// How many milliseconds the next attempt waits.
    static func delay(after deaths: Int) -> Int64 {
        (1..<max(1, min(deaths, limit))).reduce(1000) { delay, _ in delay * 3 }
    }
}

/// An owner whose process is dead.
struct DeadOwner: Sendable {
    let number: Int64
    let pid: Int64
    let remains: RunningRecords.CrashReport
    let end: ProcessEnd

    func reason(of attempt: RunningRecords.Attempt) -> String {
        switch (attempt, end) {
        case (.endless, _): "it ran past tasks.kill-time, so that its process was replaced: pid \(pid)"
        case (.running, .known(let end)): "its process died: \(end), pid \(pid)"
        case (.running, _): "its process died: pid \(pid)"
        }
    }
}
