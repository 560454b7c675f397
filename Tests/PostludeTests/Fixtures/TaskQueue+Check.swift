import PostludeSystem

@testable import Postlude

extension TaskQueue {
    /// What the keeper does now and then.
    func check(at now: MonotonicTime) {
        var report = SlowReport()
        check(at: now, report: &report)
    }
}
