import PostludeSystem

@testable import Postlude

extension TaskQueue {
    /// What the control thread does now and then.
    func check(at now: MonotonicTime) {
        var report = StackReport()
        check(at: now, report: &report)
    }
}
