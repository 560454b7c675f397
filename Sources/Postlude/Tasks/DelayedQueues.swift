internal import PostludeSystem

/// The delayed queues of a worker, whose first task waits for its next attempt, ordered by the time of that attempt.
struct DelayedQueues {
    private var all: [(due: MonotonicTime, queue: TaskQueue)] = []

    var isEmpty: Bool { all.isEmpty }

    var queues: [TaskQueue] { all.map(\.queue) }

    mutating func add(_ queue: TaskQueue, until due: MonotonicTime) {
        // The queue is inserted after those with the same time.
        let index = all.firstIndex { $0.due > due } ?? all.endIndex
        all.insert((due, queue), at: index)
    }

    /// Removes and returns the queues that are due, the earliest first.
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

    /// Returns the time until the first queue is due, rounded up, or `limit` if that is less.
    func milliseconds(at now: MonotonicTime, atMost limit: Int32) -> Int32 {
        guard let due = all.first?.due else { return limit }
        let left = max(0, (due - now).saturatedNanoseconds)
        return min(limit, Int32(clamping: left / 1_000_000 + (left % 1_000_000 == 0 ? 0 : 1)))
    }
}
