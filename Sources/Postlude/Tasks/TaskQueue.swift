internal import DequeModule
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
/// A `TaskRunner` takes the next task with `next` and reports its end with `ended`. Only the tasks of a group run concurrently.
@usableFromInline
final class TaskQueue: Sendable {
    /// The next step of the runner.
    enum Next: Sendable {
        /// A task whose attempt has begun.
        case task(BackgroundTask)
        /// An open group. `nextOfGroup` returns its tasks, and then nil.
        case group(limit: Int)
        /// The first task waits for its next attempt, and the tasks after it wait for it.
        case waiting(until: MonotonicTime)
        case over
    }

    fileprivate struct State {
        /// Tasks and groups that have not begun.
        var pending = Deque<Item>()
        /// The open group's tasks that have not begun, and how many may run at once.
        var group = Deque<BackgroundTask>()
        /// The same tasks. `Array(group)` would write to the storage that all empty arrays share, if it is empty: a data race for
        /// the thread sanitizer.
        var groupTasks: [BackgroundTask] { group.map(\.self) }
        var groupLimit = 1
        var running = RunningTasks()
        /// Tasks that wait for their next attempt.
        var delayed: [DelayedTask] = []
        /// The outcome of the request; nil until the response is finished.
        var outcome: RequestOutcome?
        /// The lowest number of a call that has requested `stopOnFailure`; nil if none has.
        var stopOnFailure: Int?
        /// The number of the current call of the application's code (``TaskCalls``).
        var call = 0
        /// Whether a task has failed and no further one runs.
        var isStopped = false
        var isOver = false
        /// Whether stored tasks can be added: until the response begins.
        var acceptsStored = true
        /// Whether the handler's transaction is open, which will contain the stored tasks.
        var isInTransaction = false
        /// The ids of persisted tasks in the order in which they were persisted, including those that do not run here.
        var persistedIDs: [String] = []
        /// Values that are kept alive until the last task has ended, such as uploaded files.
        var retained: [any Sendable] = []
        /// The request's span, to which the tasks' spans are linked.
        var origin: ServiceContext?
        var resultCounts = TaskResultCounts()
        /// The request's line in the access log; nil if there is no such log.
        var access: AccessRecord?
    }

    let request: RequestIdentity
    let limits: Manifest.TaskLimits
    private let logger: Logger
    let registry: TaskRegistry
    private let state = Lock(State())
    let created = MonotonicTime.now
    /// Called when the queue is removed from the registry.
    let onCompletion: (@Sendable () -> Void)?

    init(
        of request: RequestIdentity, limits: Manifest.TaskLimits, logger: Logger,
        registry: TaskRegistry = TaskRegistry(), onCompletion: (@Sendable () -> Void)? = nil
    ) {
        self.request = request
        self.limits = limits
        self.logger = logger
        self.registry = registry
        self.onCompletion = onCompletion
    }

    var requestID: String { request.id }
    var route: String { request.route }
    var isEmpty: Bool { state.withLock { $0.pending.isEmpty } }

    /// The tasks that have not begun, in order.
    var queued: [BackgroundTask] {
        state.withLock { $0.groupTasks + $0.pending.flatMap(\.tasks) }
    }

    /// The names of the tasks that have not ended, the running ones first.
    var unfinishedNames: [String] { unfinishedTasks.map(\.name) }

    /// The tasks that have not ended, the running ones first.
    var unfinishedTasks: [BackgroundTask] {
        let unfinished = state.withLock { state in
            state.running.tasks + state.delayed.map(\.task) + state.groupTasks
                + state.pending.flatMap(\.tasks)
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

    /// The counts of the request's tasks so far, and the time that they took.
    var resultCounts: TaskResultCounts {
        var resultCounts = state.withLock { $0.resultCounts }
        resultCounts.unfinished = unfinishedTasks.count
        return resultCounts
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
        if !group.isEmpty { add(.group(Deque(group), limit: limit)) }
    }

    private func add(_ item: Item) {
        let (wasOver, dropped) = state.withLock { state -> (Bool, [BackgroundTask]) in
            guard !state.isOver, !state.isStopped else { return (state.isOver, item.tasks) }
            state.assignCall(to: item.tasks)
            // If a task adds it, the outcome of the request is known.
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
    func keepAlive(_ values: [any Sendable]) {
        state.withLock { $0.retained += values }
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
    /// Takes the next task and begins its attempt. After `.over`, no task can be added.
    ///
    /// - Parameter thread: the thread that will run it.
    func next(at now: MonotonicTime = .now, on thread: SampledThread? = nil) -> Next {
        // The values are released outside the lock: their deinitializers may use this queue.
        let (next, stopped, left, _) = state.withLock {
            state -> (Next, StoppedTasks?, LeftTasks?, [any Sendable]) in
            var stopped: StoppedTasks?
            var left: LeftTasks?
            if !state.delayed.isEmpty {
                // One that an operator has cancelled, and the tasks after it depend on it.
                let blocker = state.delayed.first {
                    $0.task.state == .dropped && $0.task.stored?.stopsOnFailure == true
                }
                state.delayed.removeAll { $0.task.state == .cancelled || $0.task.state == .dropped }
                if let blocker { stopped = StoppedTasks(behind: blocker.task, state.stop()) }
                if let due = state.delayed.map(\.due).min() {
                    guard due <= now else { return (.waiting(until: due), stopped, nil, []) }
                    for delayed in state.delayed where delayed.due <= now { state.group.append(delayed.task) }
                    state.delayed.removeAll { $0.due <= now }
                    return (.group(limit: state.groupLimit), stopped, left, [])
                }
            }
            while let item = state.pending.popFirst() {
                switch item {
                case .task(let task):
                    state.groupLimit = 1
                    guard state.begin(task, at: now, on: thread) else {
                        // The task has expired, or was cancelled or left, and the tasks after it depend on it.
                        if task.state == .dropped, task.stored?.stopsOnFailure == true {
                            if task.stored?.isLeft == true {
                                left = LeftTasks(behind: task, state.removeStored(), state.stop())
                            } else {
                                stopped = StoppedTasks(behind: task, state.stop())
                            }
                        }
                        continue
                    }
                    return (.task(task), stopped, left, [])
                case .group(let tasks, let limit):
                    state.group = tasks
                    state.groupLimit = limit
                    return (.group(limit: limit), stopped, left, [])
                }
            }
            state.isOver = true
            return (.over, stopped, left, state.takeRetained())
        }
        dropStopped(stopped)
        if let left { leave(left) }
        return next
    }

    /// Takes the next task of the open group and begins its attempt.
    ///
    /// - Parameter thread: the thread that will run it; nil if it is not known.
    func nextOfGroup(at now: MonotonicTime = .now, on thread: SampledThread? = nil) -> BackgroundTask? {
        state.withLock { state in
            while let task = state.group.popFirst() {
                if state.begin(task, at: now, on: thread) { return task }
            }
            return nil
        }
    }

    /// Records the end of an attempt, decides what follows, and reports it to the task's store.
    ///
    /// - Parameters:
    ///   - error: the error that the attempt threw; nil if it has succeeded.
    ///   - random: returns a number from -1 to 1, for the jitter of the next delay.
    func ended(
        _ task: BackgroundTask, error: (any Error)? = nil, at now: MonotonicTime = .now,
        random: () -> Double = { 0 }
    ) -> AttemptResult {
        let graceEnd = registry.graceEnd
        let (result, stopped, released) = state.withLock {
            state -> (AttemptResult, StoppedTasks?, [BackgroundTask]) in
            if let started = state.running.remove(task) { state.resultCounts.time += now - started }
            if task.isCancellationRequested {
                task.become(.cancelled)
                state.resultCounts.ended += 1
                let stopped =
                    task.stored?.stopsOnFailure == true ? StoppedTasks(behind: task, state.stop()) : nil
                return (.cancelled, stopped, [])
            }
            guard let error else {
                task.become(.done)
                state.resultCounts.ended += 1
                return (.done, nil, [])
            }
            if error is any UnreadableTaskError, task.isPersisted {
                task.become(.waiting)
                return (.released(error), nil, state.removeStored())
            }
            // The process was told to stop, and what the attempt needs has ended: it does not count.
            if graceEnd != nil, task.isPersisted, !task.isPastDeadline, error is CancellationError {
                task.become(.waiting)
                return (.released(nil), nil, state.removeStored())
            }
            let meaning = task.options.retry.meaning(of: error)
            switch meaning {
            case .discard(let reason): return (.discarded(reason), state.discard(task), [])
            case .snooze(let delay):
                return state.postpone(task, error, delay, counts: false, at: now, until: graceEnd)
            case .fail, .retry: break
            }
            let isPermanent = meaning == .fail
            // The random number is generated only for an attempt that has failed, because it costs a system call.
            let delay =
                isPermanent ? nil : task.options.retry.delay(after: task.failures, random: random())
            if !isPermanent, let queue = task.reroutingQueue(isLast: delay == nil) {
                task.become(.failed)
                state.resultCounts.ended += 1
                let stopped =
                    task.stored?.stopsOnFailure == true ? StoppedTasks(behind: task, state.stop()) : nil
                return (.moved(error, to: queue), stopped, [])
            }
            guard let delay else { return (.failed(error), state.fail(task), []) }
            if case .retry(let wanted?) = meaning {
                return state.postpone(task, error, wanted, counts: true, at: now, until: graceEnd)
            }
            if task.isPersisted, task.stored?.leavesBetweenAttempts == true {
                task.become(.waiting)
                // The tasks after it wait for it.
                let released = task.stored?.stopsOnFailure == true ? state.removeStored() : []
                return (.retried(error, after: delay), nil, released)
            }
            return state.delay(task, error, delay, at: now, until: graceEnd)
        }
        // Before the tasks after it are reported: they are dropped because of this result.
        task.report(result)
        dropStopped(stopped)
        release(released)
        return result
    }

    /// Fails the tasks whose next attempt would come after the end of the process. Leaves persisted ones to their store.
    ///
    /// - Returns: the failed tasks, with the errors of their last attempts.
    func giveUpLateRetries() -> [DelayedTask] {
        guard let graceEnd = registry.graceEnd else { return [] }
        let (late, stopped, released) = state.withLock {
            state -> ([DelayedTask], [StoppedTasks], [BackgroundTask]) in
            let late = state.delayed.filter { $0.due > graceEnd && $0.task.state == .waiting }
            guard !late.isEmpty else { return ([], [], []) }
            state.delayed.removeAll { $0.due > graceEnd && !$0.task.isPersisted }
            // If one is left, all persisted tasks are left, so that they keep their order.
            let released = late.contains { $0.task.isPersisted } ? state.removeStored() : []
            let failed = late.filter { !$0.task.isPersisted }
            return (failed, failed.compactMap { state.fail($0.task) }, released)
        }
        for each in stopped { dropStopped(each) }
        release(released)
        return late
    }

    private func leave(_ left: LeftTasks) {
        release(left.stored)
        drop(
            left.others, because: "a task is paused, the tasks after it were dropped", level: .warning,
            as: .stopped(by: left.blocker.name, id: left.blocker.stored?.id))
    }

    private func dropStopped(_ stopped: StoppedTasks?) {
        guard let stopped, !stopped.tasks.isEmpty else { return }
        drop(
            stopped.tasks, because: stopped.reason, level: .warning,
            as: .stopped(by: stopped.blocker.name, id: stopped.blocker.stored?.id))
    }
}

/// Tasks that do not run here, because one before them, on which they depend, was left to another process.
private struct LeftTasks {
    let blocker: BackgroundTask
    /// Those that are left with it.
    let stored: [BackgroundTask]
    /// The others, which no other process has.
    let others: [BackgroundTask]

    init(behind blocker: BackgroundTask, _ stored: [BackgroundTask], _ items: [TaskQueue.Item]) {
        self.blocker = blocker
        self.stored = stored
        others = items.flatMap(\.tasks)
    }
}

/// Tasks that do not run because one before them has failed.
private struct StoppedTasks {
    let blocker: BackgroundTask
    let tasks: [BackgroundTask]
    let reason: Logger.Message

    init(
        behind blocker: BackgroundTask, _ items: [TaskQueue.Item],
        because reason: Logger.Message = "a task failed, the tasks after it were dropped"
    ) {
        self.blocker = blocker
        tasks = items.flatMap(\.tasks)
        self.reason = reason
    }
}

// MARK: The end of the response

extension TaskQueue {
    /// Drops and logs the tasks whose condition is not met. Called when the response is finished.
    ///
    /// - Returns: whether any task is to run.
    func finalize(_ outcome: RequestOutcome) -> Bool {
        let (dropped, isOver, _) = state.withLock { state -> ([BackgroundTask], Bool, [any Sendable]) in
            state.outcome = outcome
            state.acceptsStored = false
            // The usual case: every task runs.
            if state.pending.allSatisfy({ $0.isMet(by: outcome) }) {
                state.isOver = state.pending.isEmpty
                return ([], state.isOver, state.isOver ? state.takeRetained() : [])
            }
            var dropped: [BackgroundTask] = []
            var met = Deque<Item>()
            for item in state.pending {
                let (rest, tasks) = item.split(outcome)
                if let rest { met.append(rest) }
                dropped += tasks
            }
            state.pending = met
            state.isOver = met.isEmpty
            return (dropped, state.isOver, state.isOver ? state.takeRetained() : [])
        }
        let hasThrown = { (task: BackgroundTask) in outcome.hasThrown || task.isOfFailedCall }
        drop(
            dropped.filter(hasThrown), because: "handler failed, its tasks were dropped", level: .warning)
        drop(
            dropped.filter { !hasThrown($0) }, because: "tasks were dropped, their condition is not met",
            level: .debug)
        return !isOver
    }

    /// Drops tasks, and logs their number and the names of the first hundred.
    ///
    /// - Parameter result: the result that is reported to the store of persisted tasks.
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
    /// Appends a task that a store will persist.
    ///
    /// - Throws: ``LateTaskError`` if the response has begun.
    func add(_ stored: any PersistedTask) throws {
        let task = BackgroundTask(stored)
        if let deadline = stored.deadline { registry.note(deadline: deadline) }
        let isDelivered = state.withLock { state in
            guard state.acceptsStored else { return false }
            state.assignCall(to: [task])
            state.pending.append(.task(task))
            return true
        }
        guard isDelivered else { throw LateTaskError(name: stored.name) }
    }

    /// Adds tasks that are already in their store. The queue then is that of a request that has succeeded.
    func add(persisted tasks: [any PersistedTask]) {
        for stored in tasks {
            let task = BackgroundTask(stored)
            task.markPersisted()
            add(task)
        }
        _ = finalize(RequestOutcome(hasThrown: false, status: .ok, isDelivered: true))
    }

    /// Adds a task that a transaction of the application's has stored, after its commit.
    ///
    /// - Returns: false if the request's tasks have begun, or have been dropped; the task is then to be left to any process.
    func add(committed stored: any PersistedTask) -> Bool {
        let task = BackgroundTask(stored)
        task.markPersisted()
        if let deadline = stored.deadline { registry.note(deadline: deadline) }
        return state.withLock { state in
            state.persistedIDs.append(stored.id)
            guard stored.runsHere else { return true }
            guard state.outcome == nil, !state.isOver else { return false }
            state.assignCall(to: [task])
            state.pending.append(.task(task))
            return true
        }
    }

    /// Whether stored tasks can be added.
    var acceptsStored: Bool { state.withLock { $0.acceptsStored } }

    /// Whether ``BackgroundTasks/stopOnFailure()`` was called.
    var stopsOnFailure: Bool { state.withLock { $0.stopOnFailure != nil } }

    /// Whether the handler's transaction is open.
    var isInTransaction: Bool { state.withLock { $0.isInTransaction } }

    func setInTransaction(_ isInTransaction: Bool) {
        state.withLock { $0.isInTransaction = isInTransaction }
    }

    /// Refuses further stored tasks. Called when the response begins.
    func stopAcceptingStored() { state.withLock { $0.acceptsStored = false } }

    /// Has the store persist the stored tasks that it does not have yet, all of them or none. Skips tasks of a call that has
    /// thrown.
    ///
    /// - Parameters:
    ///   - runsHere: whether this queue runs them; otherwise any free worker does.
    ///   - answer: the answer that is persisted with them; nil if none is.
    ///   - transaction: the open transaction that is to contain them, and is committed also if there are none; nil for one of the
    ///     store's own.
    /// - Returns: the tasks that were persisted, in order.
    func persist(
        in store: any TaskStore, runsHere: Bool, answer: PersistedAnswer? = nil,
        within transaction: (any RequestTransaction)? = nil
    ) throws -> [any PersistedTask] {
        let (tasks, stopsOnFailure, earlierIDs) = state.withLock { state in
            let tasks = state.pending.flatMap(\.tasks).filter {
                $0.stored != nil && $0.state == .queued && !$0.isOfFailedCall && $0.beginPersisting()
            }
            return (tasks, state.stopOnFailure != nil, state.persistedIDs)
        }
        let stored = tasks.compactMap(\.stored)
        if stored.isEmpty, answer == nil {
            try transaction?.commit()
            return []
        }
        var answer = answer
        answer?.taskIDs = earlierIDs
        do {
            try store.persist(
                PersistedRequest(
                    stored,
                    of: TaskOrigin(requestID: requestID, route: route, stopsOnFailure: stopsOnFailure),
                    runsHere: runsHere, answer: answer),
                within: transaction)
        } catch {
            for task in tasks { task.cancelPersisting() }
            throw error
        }
        // Tasks that do not run here are removed from this queue.
        let others = Set(tasks.filter { $0.stored?.runsHere == false }.map(ObjectIdentifier.init))
        for task in tasks { task.markPersisted() }
        state.withLock { state in
            state.persistedIDs += stored.map(\.id)
            if others.isEmpty { return }
            // Groups contain no stored tasks.
            state.pending.removeAll { item in
                item.tasks.contains { others.contains(ObjectIdentifier($0)) }
            }
        }
        return stored
    }

    /// The ids of the tasks that were persisted, in order.
    var persistedIDs: [String] { state.withLock { $0.persistedIDs } }

    /// Leaves the persisted tasks that are not running to their store, for another process.
    ///
    /// - Returns: the number of these tasks.
    func releaseStored() -> Int {
        let tasks = state.withLock { $0.removeStored() }
        release(tasks)
        return tasks.count
    }

    private func release(_ tasks: [BackgroundTask]) {
        for task in tasks { task.report(.released(nil)) }
    }
}

// MARK: Counts

extension TaskQueue {
    /// What the first task of a queue waits for.
    enum WaitingReason {
        /// For a worker that may run tasks.
        case worker
        /// For the time of its next attempt.
        case attempt
        /// For its response, or for the task before it, which runs.
        case turn
    }

    /// The number of waiting tasks, including delayed ones, the number of running tasks, and what the first one waits for.
    var counts: (queued: Int, running: Int, reason: WaitingReason) {
        state.withLock { state in
            let pending = state.pending.reduce(0) { $0 + $1.count }
            return (
                pending + state.group.count + state.delayed.count, state.running.count,
                state.waitingReason
            )
        }
    }

    /// The number of tasks that will run after the response, and whether any of them is not persisted.
    var tasksToTake: (count: Int, hasOthers: Bool) {
        let tasks = queued.filter { !$0.isOfFailedCall }
        return (tasks.count, tasks.contains { !$0.isPersisted })
    }

    /// The number of tasks and groups after the running one, and the duration of the request's answer. Cheap, because it is
    /// read for each attempt.
    var shown: (remaining: Int, duration: Duration?) {
        state.withLock { ($0.pending.count + $0.group.count, $0.outcome?.duration) }
    }
}

// MARK: Time limits

extension TaskQueue {
    /// Sets the closure that cancels a running task.
    func setCancellation(of task: BackgroundTask, _ cancel: @escaping @Sendable () -> Void) {
        let isPastDeadline = state.withLock { $0.running.setCancellation(of: task, cancel) }
        // The control thread has found it past its deadline before it could be cancelled.
        if isPastDeadline { cancel() }
    }

    /// Sets the thread of a running task that has one of its own.
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

// MARK: Cancellation by an operator

extension TaskQueue {
    /// Cancels persisted tasks: running ones by Swift's cancellation, and others do not begin.
    ///
    /// - Parameter ids: the ids of the tasks, in any queue.
    func cancel(_ ids: Set<String>) {
        let isMeant = { (task: BackgroundTask) in
            task.isPersisted && (task.stored.map { ids.contains($0.id) } ?? false)
        }
        let (running, others) = state.withLock { state in
            let others = state.delayed.map(\.task) + state.groupTasks + state.pending.flatMap(\.tasks)
            return (state.running.requestCancellation(of: isMeant), others.filter(isMeant))
        }
        for running in running {
            if let cancel = running.cancel { Cancellation.request(cancel) }
            logger.notice(
                running.task.isAsync
                    ? "task is cancelled" : "task is cancelled; it is synchronous and cannot be interrupted",
                metadata: metadata(running.task.name, since: running.started))
        }
        for task in others where task.drop(as: .cancelled) { registry.count(.cancelled, of: task) }
    }
}

// MARK: Calls of the application's code

extension TaskQueue {
    /// Assigns the tasks that are added from now on to a call.
    func enter(_ call: Int) { state.withLock { $0.call = call } }

    /// Marks the tasks of a call that has thrown, and of the calls inside it. No later call has begun.
    func markThrown(since call: Int) {
        state.withLock { state in
            for task in state.pending.flatMap(\.tasks) where task.call >= call { task.markThrown() }
        }
    }

    /// Drops the tasks that were added since a call began, whatever their conditions. Persisted tasks stay: they are
    /// promised.
    func drop(
        since call: Int,
        because reason: Logger.Message =
            "middleware calls next again, the tasks of the earlier call were dropped",
        level: Logger.Level = .warning
    ) {
        let dropped = state.withLock { state in
            let isOfCall = { (item: Item) in item.tasks.contains { $0.call >= call && !$0.isPersisted } }
            let items = state.pending
            state.pending.removeAll(where: isOfCall)
            if let other = state.stopOnFailure, other >= call { state.stopOnFailure = nil }
            return items.filter(isOfCall).flatMap(\.tasks)
        }
        drop(dropped, because: reason, level: level)
    }
}

// MARK: The state

extension TaskQueue.State {
    mutating func takeRetained() -> [any Sendable] {
        defer { retained = [] }
        return retained
    }

    /// Begins an attempt.
    ///
    /// - Returns: false if the task was cancelled or dropped, or its store refuses the attempt.
    mutating func begin(
        _ task: BackgroundTask, at now: MonotonicTime, on thread: SampledThread?
    ) -> Bool {
        guard task.beginAttempt() else { return false }
        running.add(RunningTask(task: task, started: now, thread: thread))
        return true
    }

    /// Records that a task has failed for good.
    ///
    /// - Returns: the tasks that do not run because of it; nil if its failure stops none.
    mutating func fail(_ task: BackgroundTask) -> StoppedTasks? {
        task.become(.failed)
        resultCounts.ended += 1
        resultCounts.failed += 1
        return stopsOthers(task) ? StoppedTasks(behind: task, stop()) : nil
    }

    /// Records that a task has ended itself.
    ///
    /// - Returns: the tasks that do not run because of it; nil if it stops none.
    mutating func discard(_ task: BackgroundTask) -> StoppedTasks? {
        task.become(.dropped)
        resultCounts.ended += 1
        guard stopsOthers(task) else { return nil }
        return StoppedTasks(
            behind: task, stop(), because: "a task discarded itself, the tasks after it were dropped")
    }

    private func stopsOthers(_ task: BackgroundTask) -> Bool {
        stopOnFailure != nil || task.options.stopOnFailure || task.stored?.stopsOnFailure == true
    }

    /// The result of an attempt after which another one follows, with the tasks that are dropped and left to their store because
    /// of it.
    typealias Delayed = (AttemptResult, StoppedTasks?, [BackgroundTask])

    /// Has this process make the next attempt of a task, unless it ends before that.
    mutating func delay(
        _ task: BackgroundTask, _ error: any Error, _ delay: Duration, counts: Bool = true,
        at now: MonotonicTime, until graceEnd: MonotonicTime?
    ) -> Delayed {
        guard graceEnd.map({ now + delay <= $0 }) ?? true else {
            guard task.isPersisted else { return (.failed(error), fail(task), []) }
            task.become(.waiting)
            return (.released(error), nil, removeStored())
        }
        if !counts { task.uncountAttempt() }
        task.become(.waiting)
        task.due = now + delay
        delayed.append(DelayedTask(task: task, due: now + delay, error: error))
        return (
            counts ? .retried(error, after: delay) : .postponed(error, for: delay, counts: false), nil, []
        )
    }

    /// Postpones a task that has said when its next attempt is to follow. The store of a persisted one has it until then.
    mutating func postpone(
        _ task: BackgroundTask, _ error: any Error, _ wanted: Duration, counts: Bool, at now: MonotonicTime,
        until graceEnd: MonotonicTime?
    ) -> Delayed {
        let wanted = max(.zero, wanted)
        guard task.isPersisted, task.stored?.waitsHere == false else {
            return delay(task, error, wanted, counts: counts, at: now, until: graceEnd)
        }
        task.become(.waiting)
        resultCounts.ended += 1
        let result = AttemptResult.postponed(error, for: wanted, counts: counts)
        guard stopsOthers(task) else { return (result, nil, []) }
        // The persisted tasks after it wait for it in their store. The others would have to wait in this process.
        let left = removeStored()
        let stopped = StoppedTasks(
            behind: task, stop(), because: "a task waits in its store, the tasks after it were dropped")
        return (result, stopped, left)
    }

    /// Stops the queue: no further task runs.
    ///
    /// - Returns: the tasks and groups that have not begun.
    mutating func stop() -> [TaskQueue.Item] {
        isStopped = true
        defer { pending = Deque() }
        return Array(pending)
    }

    /// Removes and returns the persisted tasks that are not running.
    mutating func removeStored() -> [BackgroundTask] {
        let tasks = (delayed.map(\.task) + groupTasks + pending.flatMap(\.tasks)).filter(\.isPersisted)
        guard !tasks.isEmpty else { return [] }
        delayed.removeAll { $0.task.isPersisted }
        group.removeAll(where: \.isPersisted)
        // Groups contain no stored tasks.
        pending.removeAll { $0.tasks.contains(where: \.isPersisted) }
        return tasks
    }

    var waitingReason: TaskQueue.WaitingReason {
        guard running.isEmpty, outcome != nil else { return .turn }
        guard let due = delayed.map(\.due).min() else {
            // Between two tasks of the queue, none is running.
            return group.isEmpty && resultCounts.ended == 0 ? .worker : .turn
        }
        return due > .now ? .attempt : .worker
    }

    /// Records the call that adds the tasks. Tasks that a running task adds inherit its mark if its call has thrown.
    func assignCall(to tasks: [BackgroundTask]) {
        let isOfFailedCall = running.areAllOfFailedCall
        for task in tasks {
            task.call = call
            if isOfFailedCall { task.markThrown() }
        }
    }
}

// For an application without a server.
extension TaskQueue {
    /// The tasks that have not ended, in order.
    var waitingTasks: [BackgroundTask] {
        state.withLock { state in
            state.delayed.map(\.task) + state.groupTasks + state.pending.flatMap(\.tasks)
        }
        .filter { $0.state != .cancelled }
    }

    /// Discards the tasks that have not run.
    func abandon() {
        state.withLock { state in
            state.delayed = []
            state.group = Deque()
            state.pending = Deque()
            state.isOver = true
            state.retained = []
        }
    }
}
