internal import HTTPTypes
internal import Logging
internal import PostludeLogOutput
internal import PostludeManifest
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads
internal import Tracing

/// The tasks of one request, in the order in which they were added.
///
/// The runner asks for the next one, and says how it has ended: one at a time, but for the members of a group.
@usableFromInline
final class TaskQueue: Sendable {
    /// What is to be done now.
    enum Next: Sendable {
        /// A task whose attempt has begun.
        case task(BackgroundTask)
        /// A group is open: its tasks are to be had from `nextOfGroup` until there is none.
        case group(limit: Int)
        /// The first task waits for its next attempt, and the others for it.
        case waiting(until: MonotonicTime)
        case over
    }

    fileprivate struct State {
        /// Tasks and groups that have not begun.
        var pending = FIFO<Item>()
        /// The open group's tasks that have not begun, and how many may run at once.
        var group = FIFO<BackgroundTask>()
        var groupLimit = 1
        var running = RunningTasks()
        /// Tasks that wait for their next attempt.
        var delayed: [DelayedTask] = []
        /// Known once the response is finished.
        var outcome: RequestOutcome?
        /// The call that has asked for it; nil if none has.
        var stopOnFailure: Int?
        /// The call of the application's code that is at work, by ``TaskCalls``.
        var call = 0
        /// A task has failed, and no other one runs.
        var isStopped = false
        var isOver = false
        /// Until the response begins.
        var takesStored = true
        /// The ids of stored tasks, in the order in which they were kept; also of those that others run.
        var keptIDs: [String] = []
        /// What must live until the last task has ended, such as uploaded files.
        var kept: [any Sendable] = []
        /// What the tasks' spans are linked to.
        var origin: ServiceContext?
        var tally = TaskTally()
        /// The request's line in the access log; nil if there is no such log.
        var access: AccessRecord?
    }

    let request: RequestIdentity
    let limits: Manifest.TaskLimits
    let logger: Logger
    let registry: TaskRegistry
    private let state = Lock(State())
    let created = MonotonicTime.now
    /// Called when it is no longer among the process's queues.
    let whenOver: (@Sendable () -> Void)?

    init(
        of request: RequestIdentity, limits: Manifest.TaskLimits, logger: Logger,
        registry: TaskRegistry = TaskRegistry(), whenOver: (@Sendable () -> Void)? = nil
    ) {
        self.request = request
        self.limits = limits
        self.logger = logger
        self.registry = registry
        self.whenOver = whenOver
    }

    var requestID: String { request.id }
    var route: String { request.route }
    var isEmpty: Bool { state.withLock { $0.pending.isEmpty } }

    /// The tasks that have not begun, in order.
    var queued: [BackgroundTask] {
        state.withLock { $0.group.elements + $0.pending.elements.flatMap(\.tasks) }
    }

    /// The names of the tasks that have not ended, the running ones first.
    var left: [String] { leftTasks.map(\.name) }

    /// The tasks that have not ended, the running ones first.
    var leftTasks: [BackgroundTask] {
        let unfinished = state.withLock { state in
            state.running.tasks + state.delayed.map(\.task) + state.group.elements
                + state.pending.elements.flatMap(\.tasks)
        }
        return unfinished.filter { $0.state != .cancelled }
    }

    /// The request's span; nil if requests are not traced.
    var origin: ServiceContext? {
        get { state.withLock { $0.origin } }
        set { state.withLock { $0.origin = newValue } }
    }

    /// The request's line in the access log; nil if there is no such log.
    var access: AccessRecord? {
        get { state.withLock { $0.access } }
        set { state.withLock { $0.access = newValue } }
    }

    /// What has become of the tasks so far.
    var tally: TaskTally {
        var tally = state.withLock { $0.tally }
        tally.left = left.count
        return tally
    }

    // MARK: Adding

    @discardableResult
    @usableFromInline
    func add(_ task: BackgroundTask) -> TaskHandle {
        if let deadline = task.options.deadline { registry.note(deadline: deadline) }
        add(.task(task))
        return TaskHandle(task: task)
    }

    func add(_ group: [BackgroundTask], limit: Int) {
        for deadline in group.compactMap(\.options.deadline) { registry.note(deadline: deadline) }
        if !group.isEmpty { add(.group(FIFO(group), limit: limit)) }
    }

    private func add(_ item: Item) {
        let (wasOver, dropped) = state.withLock { state -> (Bool, [BackgroundTask]) in
            guard !state.isOver, !state.isStopped else { return (state.isOver, item.tasks) }
            state.stamp(item.tasks)
            // Added by a task: what became of the request is known.
            let (item, dropped) = state.outcome.map(item.split) ?? (item, [])
            if let item { state.pending.append(item) }
            return (false, dropped)
        }
        for task in dropped where task.drop() {
            registry.count(.dropped, of: task)
            if wasOver {
                logger.error(
                    "task was added after the last task of its request had ended, and does not run",
                    metadata: metadata(task.name))
            } else {
                logger.debug("task was added, and does not run", metadata: metadata(task.name))
            }
        }
    }

    func stopOnFailure() {
        state.withLock { $0.stopOnFailure = min($0.stopOnFailure ?? $0.call, $0.call) }
    }

    /// Keeps values alive until the last task has ended.
    func keep(_ values: [any Sendable]) {
        state.withLock { $0.kept += values }
    }

    func metadata(_ task: String, since start: MonotonicTime? = nil, until end: MonotonicTime = .now)
        -> Logger.Metadata
    {
        var metadata: Logger.Metadata = [
            "task": "\(task)", "request": "\(requestID)", "route": "\(route)",
        ]
        if let start { metadata["duration"] = "\((end - start).milliseconds) ms" }
        return metadata
    }
}

// MARK: Running

extension TaskQueue {
    /// Takes the next task, and begins it; `.over` when there is none, and then none can be added.
    ///
    /// - Parameter thread: where it will run.
    func next(at now: MonotonicTime = .now, on thread: SampledThread? = nil) -> Next {
        // Let go of outside the lock: whatever ends with it may ask for this queue.
        let (next, stopped, _) = state.withLock { state -> (Next, StoppedTasks?, [any Sendable]) in
            var stopped: StoppedTasks?
            if !state.delayed.isEmpty {
                state.delayed.removeAll { $0.task.state == .cancelled }
                if let due = state.delayed.map(\.due).min() {
                    guard due <= now else { return (.waiting(until: due), nil, []) }
                    for delayed in state.delayed where delayed.due <= now { state.group.append(delayed.task) }
                    state.delayed.removeAll { $0.due <= now }
                    return (.group(limit: state.groupLimit), nil, [])
                }
            }
            while let item = state.pending.popFirst() {
                switch item {
                case .task(let task):
                    state.groupLimit = 1
                    guard state.begin(task, at: now, on: thread) else {
                        // Its time is over, and those after it depend on it.
                        if task.state == .dropped, task.stored?.stopsOnFailure == true {
                            stopped = StoppedTasks(behind: task, state.stop())
                        }
                        continue
                    }
                    return (.task(task), stopped, [])
                case .group(let tasks, let limit):
                    state.group = tasks
                    state.groupLimit = limit
                    return (.group(limit: limit), stopped, [])
                }
            }
            state.isOver = true
            return (.over, stopped, state.takeKept())
        }
        dropStopped(stopped)
        return next
    }

    /// Takes the next task of the open group, and begins it.
    ///
    /// - Parameter thread: where it will run, if that is known.
    func nextOfGroup(at now: MonotonicTime = .now, on thread: SampledThread? = nil) -> BackgroundTask? {
        state.withLock { state in
            while let task = state.group.popFirst() {
                if state.begin(task, at: now, on: thread) { return task }
            }
            return nil
        }
    }

    /// An attempt has ended: decides what follows, and tells the task's store.
    ///
    /// - Parameters:
    ///   - error: what it threw.
    ///   - random: -1 to 1, for the time until the next attempt.
    func ended(
        _ task: BackgroundTask, error: (any Error)? = nil, at now: MonotonicTime = .now,
        random: () -> Double = { 0 }
    ) -> AttemptResult {
        let graceEnd = registry.graceEnd
        let (result, stopped, left) = state.withLock {
            state -> (AttemptResult, StoppedTasks?, [BackgroundTask]) in
            if let started = state.running.remove(task) { state.tally.time += now - started }
            guard let error else {
                task.become(.done)
                state.tally.ended += 1
                return (.done, nil, [])
            }
            // A random number is a system call, and few tasks fail.
            let isPermanent = error is any PermanentTaskError
            let delay =
                isPermanent ? nil : task.options.retry.delay(after: task.failures, random: random())
            if !isPermanent, let queue = task.promotion(isLast: delay == nil) {
                task.become(.failed)
                state.tally.ended += 1
                let stopped =
                    task.stored?.stopsOnFailure == true ? StoppedTasks(behind: task, state.stop()) : nil
                return (.moved(error, to: queue), stopped, [])
            }
            if let delay {
                let isInTime = graceEnd.map { now + delay <= $0 } ?? true
                if isInTime || task.isKept { task.become(.waiting) }
                if isInTime {
                    state.delayed.append(DelayedTask(task: task, due: now + delay, error: error))
                    return (.retried(error, after: delay), nil, [])
                }
                if task.isKept { return (.left(error), nil, state.takeStored()) }
            }
            return (.failed(error), state.fail(task), [])
        }
        // Before its store hears of those after it: it is the reason.
        task.report(result)
        dropStopped(stopped)
        leave(left)
        return result
    }

    /// Tasks whose next attempt would come after the end of the process: they have failed, with these errors.
    func giveUpLateRetries() -> [DelayedTask] {
        guard let graceEnd = registry.graceEnd else { return [] }
        let (late, stopped, left) = state.withLock {
            state -> ([DelayedTask], [StoppedTasks], [BackgroundTask]) in
            let late = state.delayed.filter { $0.due > graceEnd && $0.task.state == .waiting }
            guard !late.isEmpty else { return ([], [], []) }
            state.delayed.removeAll { $0.due > graceEnd && !$0.task.isKept }
            // Those after one that is left are left too: they keep their order.
            let left = late.contains { $0.task.isKept } ? state.takeStored() : []
            let failed = late.filter { !$0.task.isKept }
            return (failed, failed.compactMap { state.fail($0.task) }, left)
        }
        for each in stopped { dropStopped(each) }
        leave(left)
        return late
    }

    private func dropStopped(_ stopped: StoppedTasks?) {
        guard let stopped, !stopped.tasks.isEmpty else { return }
        drop(
            stopped.tasks, because: "a task failed, the tasks after it were dropped", level: .warning,
            as: .stopped(by: stopped.blocker.name, id: stopped.blocker.stored?.id))
    }
}

/// Tasks that do not run because one before them has failed.
private struct StoppedTasks {
    let blocker: BackgroundTask
    let tasks: [BackgroundTask]

    init(behind blocker: BackgroundTask, _ items: [TaskQueue.Item]) {
        self.blocker = blocker
        tasks = items.flatMap(\.tasks)
    }
}

// MARK: The end of the response

extension TaskQueue {
    /// The response is finished: drops the tasks whose condition is not met, and logs them.
    ///
    /// - Returns: whether any task is to run.
    func settle(_ outcome: RequestOutcome) -> Bool {
        let (dropped, isOver, _) = state.withLock { state -> ([BackgroundTask], Bool, [any Sendable]) in
            state.outcome = outcome
            state.takesStored = false
            // Mostly every task runs.
            if state.pending.allSatisfy({ $0.isMet(by: outcome) }) {
                state.isOver = state.pending.isEmpty
                return ([], state.isOver, state.isOver ? state.takeKept() : [])
            }
            var dropped: [BackgroundTask] = []
            var met = FIFO<Item>()
            for item in state.pending.elements {
                let (rest, tasks) = item.split(outcome)
                if let rest { met.append(rest) }
                dropped += tasks
            }
            state.pending = met
            state.isOver = met.isEmpty
            return (dropped, state.isOver, state.isOver ? state.takeKept() : [])
        }
        let hasThrown = { (task: BackgroundTask) in outcome.hasThrown || task.isOfThrown }
        drop(
            dropped.filter(hasThrown), because: "handler failed, its tasks were dropped", level: .warning)
        drop(
            dropped.filter { !hasThrown($0) }, because: "tasks were dropped, their condition is not met",
            level: .debug)
        return !isOver
    }

    /// Names the tasks that will not run: the first hundred of them, and how many there are.
    ///
    /// - Parameter result: what the store of those that are kept is told.
    private func drop(
        _ tasks: [BackgroundTask], because reason: Logger.Message, level: Logger.Level,
        as result: AttemptResult = .dropped
    ) {
        if tasks.isEmpty { return }
        let names = tasks.compactMap { task in
            // Skips cancelled tasks.
            guard task.drop(as: result) else { return nil as String? }
            registry.count(result, of: task)
            return task.name
        }
        guard !names.isEmpty else { return }
        let listed = names.prefix(100).joined(separator: ", ") + (names.count > 100 ? ", …" : "")
        logger.log(
            level: level, reason,
            metadata: [
                "request": "\(requestID)", "route": "\(route)", "count": "\(names.count)",
                "tasks": "\(listed)",
            ])
    }
}

// MARK: Persisted tasks

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
            state.pending.append(.task(task))
            return true
        }
        guard isDelivered else { throw LateTaskError(name: stored.name) }
    }

    /// Tasks that their store has, in the place of a request that is over.
    func add(kept tasks: [any PersistedTask]) {
        for stored in tasks {
            let task = BackgroundTask(stored)
            task.markKept()
            add(task)
        }
        _ = settle(RequestOutcome(hasThrown: false, status: .ok, isDelivered: true))
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
            let tasks = state.pending.elements.flatMap(\.tasks).filter {
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
            state.pending = FIFO(
                state.pending.elements.filter { item in
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

    private func leave(_ tasks: [BackgroundTask]) {
        for task in tasks { task.report(.left(nil)) }
    }
}

// MARK: Counts

extension TaskQueue {
    /// What its first task waits for.
    enum WaitingReason {
        /// For a worker that may run tasks.
        case worker
        /// For the time of its next attempt.
        case attempt
        /// For its response, or for the task before it, which runs.
        case turn
    }

    /// How many tasks wait, for another attempt too, and how many run.
    var census: (queued: Int, running: Int, reason: WaitingReason) {
        state.withLock { state in
            let pending = state.pending.elements.reduce(0) { $0 + $1.count }
            return (
                pending + state.group.count + state.delayed.count, state.running.count,
                state.waitingReason
            )
        }
    }

    /// How many tasks are to run after the response, and whether there are some among them that no store has.
    var tasksToTake: (count: Int, hasOthers: Bool) {
        let tasks = queued.filter { !$0.isOfThrown }
        return (tasks.count, tasks.contains { !$0.isKept })
    }

    /// How many tasks or groups are after the one that runs, and how long the request's answer took: cheap, since each
    /// task asks.
    var shown: (left: Int, duration: Duration?) {
        state.withLock { ($0.pending.count + $0.group.count, $0.outcome?.duration) }
    }
}

// MARK: Time limits

extension TaskQueue {
    /// A running task can be cancelled like this.
    func setCancellation(of task: BackgroundTask, _ cancel: @escaping @Sendable () -> Void) {
        let isPastDeadline = state.withLock { $0.running.setCancellation(of: task, cancel) }
        // The control thread has looked before there was anything to cancel.
        if isPastDeadline { cancel() }
    }

    /// A running task has a thread of its own.
    func setThread(of task: BackgroundTask, _ thread: SampledThread) {
        state.withLock { $0.running.setThread(of: task, thread) }
    }

    /// Warns about tasks that run for long, cancels those that are past their deadline, and has the
    /// process replaced for those that do not end. Called by the control thread.
    func check(
        at now: MonotonicTime, report: inout StackReport, replace: (String) -> Void = { _ in }
    ) {
        let (late, overdue, endless) = state.withLock { $0.running.takeLate(at: now, limits) }
        for running in late {
            logger.warning(
                "task is still running; hand long work to a task queue",
                metadata: metadata(of: running, at: now, &report))
        }
        for running in overdue {
            running.task.markPastDeadline()
            if let cancel = running.cancel { Cancellation.request(cancel) }
            logger.error(
                running.task.isAsync
                    ? "task is past its deadline and was cancelled"
                    : "task is past its deadline; it is synchronous and cannot be interrupted",
                metadata: metadata(running.task.name, since: running.started, until: now))
        }
        for running in endless {
            running.task.stored?.blame()
            logger.critical(
                "task is past tasks.kill-time and cannot be stopped; the process will be replaced",
                metadata: metadata(of: running, at: now, &report))
            replace("task \(running.task.name) is past tasks.kill-time")
        }
    }

    private func metadata(
        of running: RunningTask, at now: MonotonicTime, _ report: inout StackReport
    ) -> Logger.Metadata {
        var metadata = metadata(running.task.name, since: running.started, until: now)
        let stack = report.stack(of: running.thread) {
            state.withLock { $0.running.contains(running.task) }
        }
        if let stack { metadata["stack"] = "\(stack)" }
        return metadata
    }
}

// MARK: Calls of the application's code

extension TaskQueue {
    /// Tasks that are added from now on belong to that call.
    func enter(_ call: Int) { state.withLock { $0.call = call } }

    /// That call has thrown, which was the last one: its tasks, and those of the calls inside it.
    func markThrown(since call: Int) {
        state.withLock { state in
            for task in state.pending.elements.flatMap(\.tasks) where task.call >= call { task.markThrown() }
        }
    }

    /// Drops the tasks that were added since a call has begun, whatever their conditions. Those that their store has
    /// stay: they are promised.
    func drop(since call: Int) {
        let dropped = state.withLock { state in
            let isOfCall = { (item: Item) in item.tasks.contains { $0.call >= call && !$0.isKept } }
            let items = state.pending.elements
            state.pending = FIFO(items.filter { !isOfCall($0) })
            if let other = state.stopOnFailure, other >= call { state.stopOnFailure = nil }
            return items.filter(isOfCall).flatMap(\.tasks)
        }
        drop(
            dropped, because: "middleware calls next again, the tasks of the earlier call were dropped",
            level: .warning)
    }
}

// MARK: The state

extension TaskQueue.State {
    mutating func takeKept() -> [any Sendable] {
        defer { kept = [] }
        return kept
    }

    /// - Returns: false when the task was cancelled.
    mutating func begin(
        _ task: BackgroundTask, at now: MonotonicTime, on thread: SampledThread?
    ) -> Bool {
        guard task.beginAttempt() else { return false }
        running.add(RunningTask(task: task, started: now, thread: thread))
        return true
    }

    /// No attempt is left.
    ///
    /// - Returns: what does not run for that reason.
    mutating func fail(_ task: BackgroundTask) -> StoppedTasks? {
        task.become(.failed)
        tally.ended += 1
        tally.failed += 1
        guard stopOnFailure != nil || task.options.stopOnFailure else { return nil }
        return StoppedTasks(behind: task, stop())
    }

    /// Nothing more runs.
    ///
    /// - Returns: what would have.
    mutating func stop() -> [TaskQueue.Item] {
        isStopped = true
        defer { pending = FIFO() }
        return pending.elements
    }

    /// Removes the stored tasks that do not run at this moment.
    mutating func takeStored() -> [BackgroundTask] {
        let tasks = (delayed.map(\.task) + group.elements + pending.elements.flatMap(\.tasks)).filter(
            \.isKept)
        guard !tasks.isEmpty else { return [] }
        delayed.removeAll { $0.task.isKept }
        group = FIFO(group.elements.filter { !$0.isKept })
        // A stored task stands alone: a group has none.
        pending = FIFO(pending.elements.filter { !$0.tasks.contains(where: \.isKept) })
        return tasks
    }

    var waitingReason: TaskQueue.WaitingReason {
        guard running.isEmpty, outcome != nil else { return .turn }
        guard let due = delayed.map(\.due).min() else {
            // Between two of its tasks none of them runs.
            return group.isEmpty && tally.ended == 0 ? .worker : .turn
        }
        return due > .now ? .attempt : .worker
    }

    /// Notes which call adds these tasks. What a task adds has the fate of that task.
    func stamp(_ tasks: [BackgroundTask]) {
        let isOfThrown = running.areAllOfThrown
        for task in tasks {
            task.call = call
            if isOfThrown { task.markThrown() }
        }
    }
}

// For an application without a server.
extension TaskQueue {
    /// The tasks that have not ended, in order.
    var unfinished: [BackgroundTask] {
        state.withLock { state in
            state.delayed.map(\.task) + state.group.elements + state.pending.elements.flatMap(\.tasks)
        }
        .filter { $0.state != .cancelled }
    }

    /// Forgets what has not run.
    func abandon() {
        state.withLock { state in
            state.delayed = []
            state.group = FIFO()
            state.pending = FIFO()
            state.isOver = true
            state.kept = []
        }
    }
}
