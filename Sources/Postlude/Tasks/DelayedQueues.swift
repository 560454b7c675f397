internal import PostludeSystem

/// Queues whose first task waits for its next attempt, put aside by a worker until its time has come.
struct DelayedQueues {
    private var all: [(due: MonotonicTime, queue: TaskQueue)] = []

    var isEmpty: Bool { all.isEmpty }

    var queues: [TaskQueue] { all.map(\.queue) }

    mutating func add(_ queue: TaskQueue, until due: MonotonicTime) {
        // Behind those with the same time.
        let index = all.firstIndex { $0.due > due } ?? all.endIndex
        all.insert((due, queue), at: index)
    }

    /// Those whose time has come, the earliest first.
    mutating func takeDue(at now: MonotonicTime) -> [TaskQueue] {
        guard let first = all.first, first.due <= now else { return [] }
        let count = all.firstIndex { $0.due > now } ?? all.endIndex
        defer { all.removeFirst(count) }
        return all.prefix(count).map(\.queue)
    }

    mutating func takeAll() -> [TaskQueue] {
        defer { all = [] }
        return all.map(\.queue)
    }

    /// How long to wait until the first one's time has come, rounded up; `limit` where that is sooner.
    func milliseconds(at now: MonotonicTime, atMost limit: Int32) -> Int32 {
        guard let due = all.first?.due else { return limit }
        let left = max(0, (due - now).saturatedNanoseconds)
        return min(limit, Int32(clamping: left / 1_000_000 + (left % 1_000_000 == 0 ? 0 : 1)))
    }
}
