internal import PostludeFastCGI
internal import PostludeSystem
internal import PostludeThreads

/// Tells the service manager of one process how it is.
///
/// The watchdog is told as long as the control thread's loop turns and events are taken. Workers that are all busy for long are
/// no fault by themselves, nor are tasks, which a restart would lose; that events wait for the whole time while no worker
/// takes one, and none can be added, is.
final class Watchdog: Sendable {
    private struct State {
        var next: MonotonicTime
        /// How many events workers had taken, and when this last changed, or nothing waited for them.
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

    /// How often the control thread has to look: at most `usual`.
    func tickMilliseconds(_ usual: Int32) -> Int32 {
        guard let interval = manager.watchdogInterval else { return usual }
        return min(usual, max(10, Int32(clamping: interval.saturatedNanoseconds / 2_000_000)))
    }

    func tend(at now: MonotonicTime) {
        guard let interval = manager.watchdogInterval else { return }
        let taken = Int(poller.takenEvents)
        let isStuck = !poller.isAnyoneWaiting && !pool.canGrow && !pool.isBusyWithTasks && poller.hasEvents
        let isDue = state.withLock { state in
            if !isStuck || taken != state.taken { state.movedAt = now }
            state.taken = taken
            guard now >= state.next, now - state.movedAt < interval else { return false }
            state.next = now + interval
            return true
        }
        if isDue { manager.notify(.watchdog) }
    }

    /// The process drains, and may take so long.
    func announceStop(grace: Duration) {
        manager.notify(
            .stopping, .extendTimeout(grace + .seconds(5)),
            .status("stopping: requests in flight are finished and queued tasks run"))
    }
}
