internal import FoundationEssentials
internal import Logging
internal import Postlude
internal import PostludeSystem
internal import PostludeTaskStore
internal import PostludeThreads
internal import Synchronization

/// The thread of each process that fires schedules, claims due records and those of dead processes, gives them to the workers,
/// and removes old records and answers.
final class Recovery: Sendable {
    /// At most one suspect runs in this process, unless it has been running for longer than this: then another one may be
    /// claimed.
    private static let longestSuspectRun = Duration.seconds(60)
    private static let interval = Duration.seconds(1)
    /// The interval between two looks at pauses and cancellations.
    private static let controlInterval = Duration.milliseconds(500)
    /// How long free places wait for others, so that one claim fills them.
    private static let longestGathering = Duration.milliseconds(2)
    /// The interval between two removals of old records.
    private static let sweep = Duration.seconds(60)
    /// The delay of a record whose kind this program does not have. A newer version of it, running beside it, may have that
    /// kind.
    private static let unknownDelay = Duration.seconds(60)

    private let access: TaskStoreAccess
    private var taskStore: any RecordStore { access.taskStore }
    private let kinds: @Sendable () -> DurableTaskKinds
    private let schedules: Schedules
    private let dispatch: any TaskDispatching
    private let logger: Logger
    /// The maximum number of claimed requests that the workers have at a time.
    private let limit: Int
    private let keep: Duration
    private let keepFailed: Duration
    private let inFlight = Atomic<Int>(0)
    /// When the suspect that the workers have was claimed; nil if they have none.
    private let suspectSince = Lock<MonotonicTime?>(nil)
    /// Whether the task store is to be given the limits of the kinds: they may have changed, here or in the store.
    private let hasNewLimits = Atomic<Bool>(false)
    /// Since when the task store cannot be read or written; nil if it can.
    private let failingSince = Lock<MonotonicTime?>(nil)
    private let thread: LoopThread

    init(
        _ access: TaskStoreAccess, kinds: @escaping @Sendable () -> DurableTaskKinds, schedules: Schedules,
        dispatch: any TaskDispatching, logger: Logger, limit: Int, keep: Duration, keepFailed: Duration
    ) throws {
        self.access = access
        self.kinds = kinds
        self.schedules = schedules
        self.dispatch = dispatch
        self.logger = logger
        self.limit = limit
        self.keep = keep
        self.keepFailed = keepFailed
        thread = try LoopThread(name: "recovery")
    }

    func start() throws { try thread.start { self.run() } }

    /// Makes the thread give the limits of the kinds to the task store before its next claim.
    func setLimits() { hasNewLimits.store(true, ordering: .releasing) }

    /// Makes the thread look for due records at once.
    func wake() { thread.wake() }

    func stop() { thread.stop() }

    /// Since when the task store cannot be read or written; nil if it can.
    var outage: MonotonicTime? { failingSince.withLock { $0 } }

    private var isOver: Bool { thread.isStopping || dispatch.isClosed }

    private func run() {
        var nextSweep = MonotonicTime.now
        var nextReport = MonotonicTime.now
        var hasFailed = false
        func attempt(_ body: () throws -> Void) {
            do {
                try body()
            } catch {
                hasFailed = true
                guard .now >= nextReport else { return }
                logger.error("the task store cannot be read or written", metadata: ["error": "\(error)"])
                nextReport = .now + .seconds(10)
            }
        }
        while !isOver {
            var delay = Self.interval
            hasFailed = false
            attempt(followControl)
            // Schedules first: the tasks that they add are due at once.
            attempt { delay = min(delay, try schedules.fireDue()) }
            attempt {
                try applyLimits()
                delay = min(delay, try takeDue())
                if .now >= nextSweep, try removeOld() {
                    nextSweep = .now + Self.sweep
                    setLimits()
                }
            }
            access.progress.flush(to: taskStore)
            failingSince.withLock { [hasFailed] in $0 = hasFailed ? $0 ?? .now : nil }
            guard !isOver, delay > .zero else { continue }
            let end = MonotonicTime.now + delay
            while !isOver, !thread.wait(atMost: min(end - .now, Self.controlInterval)), .now < end {
                attempt(followControl)
            }
        }
    }

    private func followControl() throws {
        guard let control = try access.control.follow(taskStore, cancel: dispatch.cancel) else { return }
        let paused = control.paused.map(\.description).sorted().prefix(20).joined(separator: ", ")
        logger.info(
            "what is paused or cancelled has changed",
            metadata: ["paused": "\(paused)", "cancelled": "\(control.cancelled.count)"])
    }

    private func applyLimits() throws {
        guard hasNewLimits.exchange(false, ordering: .acquiringAndReleasing) else { return }
        do {
            let kinds = kinds()
            try taskStore.setLimits(kinds.limits, of: kinds.all.map(\.name))
        } catch {
            setLimits()
            throw error
        }
    }

    /// - Returns: how long to wait before the next call, unless the thread is woken before.
    private func takeDue() throws -> Duration {
        gatherRoom()
        let room = limit - inFlight.load(ordering: .acquiring)
        // The thread that finishes a claimed request wakes this one.
        guard room > 0 else { return Self.interval }
        access.shapes.apply(to: taskStore)
        let requests = try taskStore.claim(room, takingSuspect: mayTakeSuspect)
        // What is known is at least as new as the claim: a task that was resumed, or is retried after it was cancelled, runs.
        if access.control.isActive, !requests.isEmpty { try followControl() }
        for request in requests { post(request) }
        if requests.count == room { return .zero }
        guard let due = try taskStore.nextDue(takingSuspect: mayTakeSuspect) else { return Self.interval }
        let seconds = min(1, max(0.001, due.timeIntervalSinceNow))
        return .milliseconds(Int64(seconds * 1000))
    }

    /// Waits for a moment while most places are taken: short tasks end one after another, and one claim for several of them
    /// costs hardly more than one for each.
    private func gatherRoom() {
        let end = MonotonicTime.now + Self.longestGathering
        while !isOver, .now < end {
            let taken = inFlight.load(ordering: .acquiring)
            guard taken > limit / 2, taken < limit else { return }
            thread.wait(atMost: .milliseconds(1))
        }
    }

    private var mayTakeSuspect: Bool {
        suspectSince.withLock { $0.map { MonotonicTime.now - $0 > Self.longestSuspectRun } ?? true }
    }

    private func post(_ request: ClaimedRequest) {
        var tasks: [any PersistedTask] = []
        for (index, record) in request.records.enumerated() {
            if let task = task(record) {
                tasks.append(task)
            } else if record.stopsOnFailure {
                // The tasks after it wait for it. If it has failed, they are dead letters by then, which `.left` does not
                // change.
                for other in request.records[(index + 1)...] { taskStore.ended(other.id, .released) }
                break
            }
        }
        guard !tasks.isEmpty else { return }
        inFlight.add(1, ordering: .acquiringAndReleasing)
        let since = MonotonicTime.now
        let hasSuspect = request.records.contains { $0.deaths > 0 }
        if hasSuspect { suspectSince.withLock { $0 = since } }
        logger.info(
            "durable tasks are taken from the task store",
            metadata: ["request": "\(request.id)", "count": "\(tasks.count)"])
        dispatch.post(tasks, of: TaskOrigin(requestID: request.id, route: request.route)) { [self] in
            inFlight.subtract(1, ordering: .acquiringAndReleasing)
            if hasSuspect { suspectSince.withLock { if $0 == since { $0 = nil } } }
            thread.wake()
        }
    }

    private func task(_ record: Record) -> (any PersistedTask)? {
        // A record for a broker's queue, which had to wait for the tasks before it.
        if record.queue != nil { return OutboxTask(claimed: record, in: access) }
        let kind = kinds()[record.name]
        let version: Int
        do {
            switch try access.shapes.decision(on: record, kind, in: taskStore, logger) {
            case .attempt(let found): version = found
            case .leave(let end):
                taskStore.ended(record.id, end)
                return nil
            }
        } catch {
            taskStore.ended(record.id, .again(error: "\(error)", at: Date().advanced(by: Self.interval)))
            return nil
        }
        guard let kind else {
            refuse(
                record, "this program has no durable task of that name",
                .again(
                    error: "no durable task is called \(record.name)",
                    at: Date().advanced(by: Self.unknownDelay)))
            return nil
        }
        return LocalDurableTask(kind, claimed: record, version: version, in: access)
    }

    private func refuse(_ record: Record, _ reason: String, _ end: RecordEnd) {
        taskStore.ended(record.id, end)
        logger.error(
            "a durable task does not run",
            metadata: [
                "task": "\(record.name)", "id": "\(record.id)", "request": "\(record.request)",
                "reason": "\(reason)",
            ])
    }

    /// - Returns: whether all records and answers that are old enough have been removed.
    private func removeOld() throws -> Bool {
        let (now, batch) = (Date(), 200)
        let removed = try taskStore.removeOver(
            endedBefore: now.advanced(by: .zero - keep), failedBefore: now.advanced(by: .zero - keepFailed),
            limit: batch)
        let firings = try taskStore.removeFirings(before: now.advanced(by: .zero - keep), limit: batch)
        let answers = try taskStore.removeAnswers(before: now, limit: batch)
        return removed < batch && firings < batch && answers < batch
    }
}
