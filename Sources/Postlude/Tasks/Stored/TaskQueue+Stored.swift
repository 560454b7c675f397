internal import Linux

extension TaskQueue {
    /// Adds a task that a store is to keep, behind those that are there.
    ///
    /// - Throws: when the response has begun.
    func add(_ stored: any StoredTask) throws {
        let task = BackgroundTask(stored)
        if let deadline = stored.deadline { registry.note(deadline: deadline) }
        let isTaken = state.withLock { state in
            if state.takesStored { state.line.append(.task(task)) }
            return state.takesStored
        }
        guard isTaken else { throw LateTask(name: stored.name) }
    }

    /// The response begins.
    ///
    /// - Returns: the stored tasks, in order.
    func endStoring() -> [BackgroundTask] {
        state.withLock { state in
            state.takesStored = false
            return state.line.elements.flatMap(\.tasks).filter { $0.stored != nil && $0.state == .queued }
        }
    }

    /// Their store has these tasks. Those that do not run here are nothing to this queue any more.
    func markKept(_ tasks: [BackgroundTask]) {
        for task in tasks where task.stored?.runsHere == true { task.markKept() }
        guard tasks.contains(where: { !$0.isKept }) else { return }
        state.withLock { state in
            state.line = FIFO(
                state.line.elements.filter { item in
                    item.tasks.allSatisfy { $0.stored == nil || $0.isKept || $0.state != .queued }
                })
        }
    }

    /// The process ends: what has not begun is for the next one.
    ///
    /// - Returns: how many these were.
    func leaveStored() -> Int {
        let tasks = state.withLock { $0.takeStored() }
        leave(tasks)
        return tasks.count
    }

    func leave(_ tasks: [BackgroundTask]) {
        for task in tasks { task.report(.left(nil)) }
    }
}

extension TaskQueue.State {
    /// Removes the stored tasks that do not run at this moment.
    mutating func takeStored() -> [BackgroundTask] {
        let tasks = (resting.map(\.task) + group.elements + line.elements.flatMap(\.tasks)).filter(\.isKept)
        guard !tasks.isEmpty else { return [] }
        resting.removeAll { $0.task.isKept }
        group = FIFO(group.elements.filter { !$0.isKept })
        // A stored task stands alone: a group has none.
        line = FIFO(line.elements.filter { !$0.tasks.contains(where: \.isKept) })
        return tasks
    }
}

extension BackgroundTasks {
    /// The process's store; nil where the application has none.
    package var store: (any TaskStore)? { queue.registry.store }

    /// The id of the request whose tasks these are.
    package var requestID: String { queue.requestID }

    /// Adds a task that is kept before the first byte of the response is written.
    ///
    /// - Throws: when the response has begun.
    package func add(stored: any StoredTask) throws { try queue.add(stored) }
}

/// A durable task that was added when its request's response had begun, or was over: it could not be promised any more.
public struct LateTask: Error, Sendable, CustomStringConvertible {
    /// The task's name.
    public let name: String

    init(name: String) { self.name = name }

    public var description: String {
        "the durable task \(name) was added after the response had begun; add it in the handler"
    }
}
