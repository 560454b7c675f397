internal import Logging
internal import PostludeSystem

/// Which call has added a task.
///
/// The outermost middleware, or the handler where there is none, is call 0. Each time that middleware calls `next`, what
/// is inside it is another call, with the next number. So a call and those inside it have the numbers from its own up to
/// the last one that has begun before it returned: the tasks of all of them are dropped if it throws, and if its
/// middleware calls `next` again.
struct TaskCalls {
    var current = 0
    private var last = 0

    mutating func enterNext() -> Int {
        last += 1
        current = last
        return current
    }
}

extension TaskQueue {
    /// Tasks that are added from now on belong to that call.
    func enter(_ call: Int) { state.withLock { $0.call = call } }

    /// That call has thrown, which was the last one: its tasks, and those of the calls inside it.
    func markThrown(since call: Int) {
        state.withLock { state in
            for task in state.line.elements.flatMap(\.tasks) where task.call >= call { task.markThrown() }
        }
    }

    /// Drops the tasks that were added since a call has begun, whatever their conditions. Those that their store has
    /// stay: they are promised.
    func drop(since call: Int) {
        let dropped = state.withLock { state in
            let isOfCall = { (item: Item) in item.tasks.contains { $0.call >= call && !$0.isKept } }
            let items = state.line.elements
            state.line = FIFO(items.filter { !isOfCall($0) })
            if let other = state.stopOnFailure, other >= call { state.stopOnFailure = nil }
            return items.filter(isOfCall).flatMap(\.tasks)
        }
        drop(
            dropped, because: "middleware calls next again, the tasks of the earlier call were dropped",
            level: .warning)
    }
}

extension TaskQueue.State {
    /// Notes which call adds these tasks. What a task adds has the fate of that task.
    func stamp(_ tasks: [BackgroundTask]) {
        let isOfThrown = !running.isEmpty && running.allSatisfy(\.task.isOfThrown)
        for task in tasks {
            task.call = call
            if isOfThrown { task.markThrown() }
        }
    }
}
