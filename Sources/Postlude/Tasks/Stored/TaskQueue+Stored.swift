internal import PostludeLogOutput
internal import PostludeSystem

extension TaskQueue {
    /// Adds a task that a store is to keep, behind those that are there.
    ///
    /// - Throws: when the response has begun.
    func add(_ stored: any PersistedTask) throws {
        let task = BackgroundTask(stored)
        if let deadline = stored.deadline { registry.note(deadline: deadline) }
        let isDelivered = state.withLock { state in
            guard state.takesStored else { return false }
            state.stamp([task])
            state.line.append(.task(task))
            return true
        }
        guard isDelivered else { throw LateTaskError(name: stored.name) }
    }

    /// The response begins.
    func endStoring() { state.withLock { $0.takesStored = false } }

    /// Has the store keep the stored tasks that it has not got yet: all of them or none. Those of a call that has thrown
    /// are not kept.
    ///
    /// - Parameter runsHere: whether this queue runs them; else they come to whichever worker is free.
    /// - Returns: what was kept, in order.
    func keepStored(in store: any TaskStore, runsHere: Bool) throws -> [any PersistedTask] {
        let (tasks, stopsOnFailure) = state.withLock { state in
            let tasks = state.line.elements.flatMap(\.tasks).filter {
                $0.stored != nil && $0.state == .queued && !$0.isOfThrown && $0.beginKeeping()
            }
            return (tasks, state.stopOnFailure != nil)
        }
        let stored = tasks.compactMap(\.stored)
        if stored.isEmpty { return [] }
        do {
            try store.keep(
                stored,
                of: TaskOrigin(requestID: requestID, route: route, stopsOnFailure: stopsOnFailure),
                runsHere: runsHere)
        } catch {
            for task in tasks { task.cancelKeeping() }
            throw error
        }
        // Those that do not run here are nothing to this queue any more.
        let others = Set(tasks.filter { $0.stored?.runsHere == false }.map(ObjectIdentifier.init))
        for task in tasks { task.markKept() }
        state.withLock { state in
            state.keptIDs += stored.map(\.id)
            if others.isEmpty { return }
            // A stored task stands alone: a group has none.
            state.line = FIFO(
                state.line.elements.filter { item in
                    !item.tasks.contains { others.contains(ObjectIdentifier($0)) }
                })
        }
        return stored
    }

    /// The ids of the tasks that were kept, in order.
    var keptIDs: [String] { state.withLock { $0.keptIDs } }

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

    /// Has the store keep the stored tasks that it has not got yet, before the response: all of them or none.
    ///
    /// - Returns: what was kept, in order.
    /// - Throws: `TasksNotKept`, which is answered 503.
    package func keepStored() throws -> [any PersistedTask] {
        guard let store else { return [] }
        do {
            return try queue.keepStored(in: store, runsHere: true)
        } catch {
            throw TasksNotKept(reason: error)
        }
    }

    /// The id of the request whose tasks these are.
    package var requestID: String { queue.requestID }

    /// Adds a task that is kept before the first byte of the response is written.
    ///
    /// - Throws: when the response has begun.
    package func add(stored: any PersistedTask) throws { try queue.add(stored) }
}

/// Durable tasks that could not be kept: the request is answered 503.
struct TasksNotKept: Error, CustomStringConvertible {
    let reason: any Error
    var description: String { "durable tasks could not be kept: \(LoggedError.text(reason))" }
}

/// A durable task that was added when its request's response had begun, or was over: it could not be promised any more.
public struct LateTaskError: Error, Sendable, CustomStringConvertible {
    /// The task's name.
    public let name: String

    init(name: String) { self.name = name }

    public var description: String {
        "the durable task \(name) was added after the response had begun; add it in the handler"
    }
}
