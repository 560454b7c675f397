internal import Glibc
internal import Logging
internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeScoreboard
internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// The thread of each process that acts when every worker is busy: signals, timers, growth of the pool.
///
/// It runs no handler and no task.
final class ControlThread: Sendable {
    private let server: ServerContext
    private let pool: WorkerPool
    private let commands: ProcessCommands
    private let wakeup: ControlWakeup
    private let writeDeadlines: WriteDeadlines
    /// Sends keep-alives to the service manager; nil if there is no service manager to notify.
    private let watchdog: Watchdog?

    init(
        _ server: ServerContext, pool: WorkerPool, commands: ProcessCommands, wakeup: ControlWakeup,
        writeDeadlines: WriteDeadlines, watchdog: Watchdog? = nil
    ) {
        self.server = server
        self.pool = pool
        self.commands = commands
        self.wakeup = wakeup
        self.writeDeadlines = writeDeadlines
        self.watchdog = watchdog
    }

    /// The interval, in milliseconds, at which the control thread checks whether to return to the handover queue.
    private static let pausedReceivingMilliseconds: Int32 = 20

    private var stopDescriptors: [Int32] { commands.descriptors }

    /// Runs the control loop until the process can end.
    ///
    /// - Returns: the exit status: 0 if no request and no task is left unfinished.
    func run() -> Int32 {
        var watchMilliseconds: Int32 = 1
        var nextReport = MonotonicTime.now
        var nextNarrowing = nextReport
        var graceEnd: MonotonicTime?
        let loadShedder = LoadShedder(server)
        while !wakeup.isPoolEmpty {
            let isPressed = wakeup.watchForPressure {
                !server.poller.isAnyWorkerWaiting && !server.poller.hasStopped
                    && (pool.canGrow || server.poller.isAnyWorkerParked || loadShedder.isPossible)
            }
            let watched = isPressed && !loadShedder.isPaused ? [server.poller.descriptor] : []
            let isReceivingPaused = wakeup.watchForPausedReceiving { server.poller.isReceivingPaused }
            let tick = loadShedder.tickMilliseconds(
                min(
                    server.settings.tickMilliseconds,
                    isReceivingPaused ? Self.pausedReceivingMilliseconds : .max))
            waitForInput(
                stopDescriptors + [wakeup.descriptor] + watched,
                milliseconds: server.registry.tickMilliseconds(
                    watchdog?.tickMilliseconds(tick) ?? tick))
            // Waits a millisecond: pressure that ends by then needs no control thread, and would otherwise wake it all
            // the time.
            if wakeup.take() { waitForInput(stopDescriptors, milliseconds: 1) }
            for command in commands.receive(isDraining: graceEnd != nil) {
                switch command {
                case .drain(let reason, let handingOver):
                    if graceEnd != nil {
                        // The other processes stop as well now, so connections are closed and not handed over.
                        if !handingOver {
                            server.poller.drain(handingOver: false)
                            server.eventStreams.end(handingOverFor: nil)
                        }
                    } else {
                        graceEnd = drain(reason, handingOver: handingOver)
                    }
                case .leave(let reason): return leave(reason)
                }
            }
            if wakeup.isStopRequested { graceEnd = graceEnd ?? drain("the service was told to stop") }
            watchMilliseconds = isPressed && !loadShedder.isPaused ? grow(watchMilliseconds, loadShedder) : 1
            let now = MonotonicTime.now
            checkTimeLimits(at: now, isDraining: graceEnd != nil)
            loadShedder.refuse(at: now)
            server.poller.resumeReceivingIfNeeded(at: now)
            // Once a second: narrowing, and the rate-limited log output.
            if now >= nextNarrowing {
                server.poller.narrow()
                server.logs.flushAndReportLosses(to: server.logger)
                nextNarrowing = now + .seconds(1)
            }
            if now >= nextReport, logCounts() { nextReport = now + .seconds(10) }
            if let graceEnd, now >= graceEnd { return leave("shutdown-grace is over") }
        }
        _ = logCounts()
        guard graceEnd != nil else {
            server.logger.critical("no worker is left; see the lines above")
            return 1
        }
        server.logger.info("stopped")
        return 0
    }

    /// Enforces the deadlines of connections, writes, handlers and tasks, and retries a listener that could not accept.
    private func checkTimeLimits(at now: MonotonicTime, isDraining: Bool) {
        watchdog?.notifyIfDue(at: now)
        server.process?.beat(at: now)
        server.poller.closeOverdue(at: now)
        for _ in 0..<writeDeadlines.expire(at: now) { server.ends.count(ConnectionEnd.timedOut.label) }
        server.poller.checkHangUps()
        var report = StackReport()
        let replace = server.recycling.request
        server.handlers.check(
            at: now, poller: server.poller, process: server.process, report: &report, logger: server.logger,
            replace: replace)
        for queue in server.registry.all { queue.check(at: now, report: &report, replace: replace) }
        server.recycling.check(at: now)
        // The handover queue may have been full before.
        if isDraining { server.poller.handOverReady() }
        if let failure = server.poller.retryAccepting() { server.ends.count("\(failure)") }
        server.show(pool)
    }

    /// Calls a parked worker, or starts one, if no worker takes an event for a while. Called when all workers that may
    /// wait for events are busy, and events are pending.
    ///
    /// - Parameter milliseconds: how long to watch. A thread is started only after twice this time, since a machine
    ///   without a free core looks the same for a moment.
    /// - Returns: how long to watch next time, in milliseconds.
    private func grow(_ milliseconds: Int32, _ loadShedder: LoadShedder) -> Int32 {
        // If every worker runs tasks, the next request should not wait until the watch is over.
        if pool.isBusyWithTasks { return startWorker(loadShedder) }
        let taken = server.poller.takenEvents
        for attempt in 1...2 {
            waitForInput(stopDescriptors, milliseconds: milliseconds)
            guard !server.poller.isAnyWorkerWaiting else { return 1 }
            guard server.poller.takenEvents == taken, server.poller.hasEvents else {
                return min(milliseconds * 2, 8)
            }
            if attempt == 1, server.poller.widen() { return 1 }
        }
        return startWorker(loadShedder)
    }

    private func startWorker(_ loadShedder: LoadShedder) -> Int32 {
        guard !server.poller.hasStopped else { return 1 }
        do {
            if server.starts.isBackoffOver(), try pool.grow() { return 1 }
        } catch {
            server.starts.failed()
            server.ends.count("\(error)")
        }
        loadShedder.shed()
        return 1
    }

    private func drain(_ reason: String, handingOver: Bool = false) -> MonotonicTime {
        let grace = server.settings.shutdownGrace
        server.logger.info(
            "stopping: no new connections, requests in flight and queued tasks are finished",
            metadata: ["reason": "\(reason)", "grace": "\(grace)"])
        let end = MonotonicTime.now + grace
        server.process?.set(.draining)
        server.registry.setGraceEnd(end)
        server.registry.store?.drain()
        watchdog?.announceStop(grace: grace)
        server.dispatch.close()
        server.poller.drain(
            handingOver: handingOver,
            unfinishedFor: Self.unfinishedRequestTimeout(ofGrace: grace, withOthersServing: handingOver))
        server.streams.end()
        server.eventStreams.end(handingOverFor: handingOver ? grace / 2 : nil)
        return end
    }

    /// Returns the longest wait for the rest of requests that have begun to arrive: at most half of the grace period, so
    /// that the tasks of these requests get the other half. If other processes continue to serve, uploads get all of that
    /// half; otherwise the wait is at most 5 seconds.
    static func unfinishedRequestTimeout(ofGrace grace: Duration, withOthersServing isReplaced: Bool)
        -> Duration
    {
        isReplaced ? grace / 2 : min(.seconds(5), grace / 2)
    }

    /// Logs the counted events.
    ///
    /// - Returns: whether anything was logged.
    private func logCounts() -> Bool {
        let haveEnded = server.ends.log(to: server.logger)
        return server.fullQueues.log(to: server.logger) || haveEnded
    }

    /// Logs the requests and tasks that are left unfinished, and returns the exit status.
    private func leave(_ reason: String) -> Int32 {
        let unfinished = server.registry.logUnfinished(to: server.logger)
        if let log = server.logs.access {
            for queue in server.registry.all {
                if let record = queue.access { log.write(record, tasks: queue.resultCounts) }
            }
        }
        let connections = server.poller.connectionCount
        // Everything that is left is then in the task store.
        if unfinished == 0, connections == 0, server.registry.store != nil {
            server.logger.info("stopped", metadata: ["reason": "\(reason)"])
            return 0
        }
        server.logger.error(
            "stopped before everything was finished",
            metadata: ["reason": "\(reason)", "connections": "\(connections)"])
        return 1
    }
}
