internal import PostludeSystem
internal import Synchronization

/// How workers wake the control thread.
final class ControlWakeup: Sendable {
    private let event: EventDescriptor
    private let isWatching = Atomic<Bool>(false)
    private let isWatchingAbsence = Atomic<Bool>(false)
    private let poolIsEmpty = Atomic<Bool>(false)
    private let stopIsRequested = Atomic<Bool>(false)

    init() throws(SystemError) { event = try EventDescriptor() }

    var descriptor: Int32 { event.descriptor }
    var isPoolEmpty: Bool { poolIsEmpty.load(ordering: .acquiring) }

    /// - Returns: whether it had rung.
    func silence() -> Bool { event.take() }

    /// Called by the worker that was the last free one. Rings once; the control thread watches from then on by
    /// itself.
    func noneWaiting() {
        if !isWatching.exchange(true, ordering: .sequentiallyConsistent) { event.signal() }
    }

    /// Called when the process has left to others what is in the queue between them. Rings once, as above.
    func leftQueue() {
        if !isWatchingAbsence.exchange(true, ordering: .sequentiallyConsistent) { event.signal() }
    }

    var isStopRequested: Bool { stopIsRequested.load(ordering: .acquiring) }

    /// Lets the control thread look at everything once.
    func ring() { event.signal() }

    /// Asks for what SIGTERM asks for.
    func requestStop() {
        stopIsRequested.store(true, ordering: .releasing)
        event.signal()
    }

    func poolEmptied() {
        poolIsEmpty.store(true, ordering: .releasing)
        event.signal()
    }

    /// Whether the control thread has to watch the poller itself; otherwise the next `noneWaiting` rings.
    func watchForPressure(_ isPressed: () -> Bool) -> Bool { Self.watch(isWatching, isPressed) }

    /// Whether the control thread has to look for itself when the process can return to the queue; otherwise the next `leftQueue`
    /// rings.
    func watchForAbsence(_ isAway: () -> Bool) -> Bool { Self.watch(isWatchingAbsence, isAway) }

    private static func watch(_ isWatching: borrowing Atomic<Bool>, _ isNeeded: () -> Bool) -> Bool {
        // Before looking, so that a worker that changes it in between rings.
        isWatching.store(false, ordering: .sequentiallyConsistent)
        guard isNeeded() else { return false }
        isWatching.store(true, ordering: .sequentiallyConsistent)
        return true
    }
}
