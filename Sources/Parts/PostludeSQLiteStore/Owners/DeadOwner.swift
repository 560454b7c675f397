internal import PostludeSystem
internal import PostludeTaskStore

/// An owner whose process is dead.
struct DeadOwner: Sendable {
    let number: Int64
    let pid: Int64
    let crashReport: RunningRecords.CrashReport
    let end: ProcessEnd

    func reason(of attempt: RunningRecords.Attempt) -> String {
        RecordDeath.reason(end, pid: pid, isEndless: attempt == .endless)
    }
}
