import PostludeSystem

@testable import Postlude

extension TaskQueue {
    /// The check that the control thread makes from time to time.
    func check(at now: MonotonicTime) {
        var report = StackReport()
        check(at: now, report: &report)
    }
}
