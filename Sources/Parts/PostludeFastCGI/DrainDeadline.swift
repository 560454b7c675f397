import PostludeSystem
import Synchronization

/// When a process that drains gives up the requests which have not come to their end; shared by its
/// connections.
final class DrainDeadline: Sendable {
    private let nanoseconds = Atomic<Int64>(.max)

    /// nil as long as the process does not drain.
    var time: MonotonicTime? {
        let value = nanoseconds.load(ordering: .relaxed)
        return value == .max ? nil : MonotonicTime(nanoseconds: value)
    }

    /// - Parameter time: counts only when it is earlier than what was set before.
    func set(_ time: MonotonicTime) { nanoseconds.min(time.nanoseconds, ordering: .relaxed) }
}
