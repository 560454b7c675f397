internal import PostludeFastCGI
internal import PostludeSystem
internal import PostludeThreads

/// Notifies the service manager that a process is alive.
///
/// Sends keep-alives while the control thread's loop runs and events are taken. Workers that are all busy for a long time
/// are not a fault by themselves, and neither are tasks, which a restart would lose. It is a fault if events wait for the
/// whole interval while no worker takes one and none can be added.
final class Watchdog: Sendable {
    private struct State {
        var next: MonotonicTime
        /// The number of events taken, and the time at which it last changed or no events were waiting.
        var taken: Int
        var movedAt: MonotonicTime
    }

    private let manager: ServiceManager
    private let pool: WorkerPool
    private let poller: Poller
    private let state: Lock<State>

    init(_ manager: ServiceManager, pool: WorkerPool, poller: Poller) {
        self.manager = manager
        self.pool = pool
        self.poller = poller
        state = Lock(State(next: .now, taken: 0, movedAt: .now))
    }

    /// Returns the interval of the control thread's checks: half of that of the keep-alives, and at most `usual`.
    func tickMilliseconds(_ usual: Int32) -> Int32 {
        guard let interval = manager.watchdogInterval else { return usual }
        return min(usual, max(10, Int32(clamping: interval.saturatedNanoseconds / 2_000_000)))
    }

    func notifyIfDue(at now: MonotonicTime) {
        guard let interval = manager.watchdogInterval else { return }
        let taken = Int(poller.takenEvents)
        let isStuck = !poller.isAnyWorkerWaiting && !pool.canGrow && !pool.isBusyWithTasks && poller.hasEvents
        let isDue = state.withLock { state in
            if !isStuck || taken != state.taken { state.movedAt = now }
            state.taken = taken
            guard now >= state.next, now - state.movedAt < interval else { return false }
            state.next = now + interval
            return true
        }
        if isDue { manager.notify(.watchdog) }
    }

    /// Notifies the service manager that the process drains, and extends its stop timeout to the grace period.
    func announceStop(grace: Duration) {
        manager.notify(
            .stopping, .extendTimeout(grace + .seconds(5)),
            .status("stopping: requests in flight are finished and queued tasks run"))
    }
}
