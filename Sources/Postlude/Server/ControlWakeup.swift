internal import PostludeSystem
internal import Synchronization

/// The event descriptor by which workers wake the control thread, with the reasons to wake it.
final class ControlWakeup: Sendable {
    private let event: EventDescriptor
    private let isWatching = Atomic<Bool>(false)
    private let isWatchingPausedReceiving = Atomic<Bool>(false)
    private let poolIsEmpty = Atomic<Bool>(false)
    private let stopIsRequested = Atomic<Bool>(false)

    init() throws(SystemError) { event = try EventDescriptor() }

    var descriptor: Int32 { event.descriptor }
    var isPoolEmpty: Bool { poolIsEmpty.load(ordering: .acquiring) }

    /// Resets the event descriptor.
    ///
    /// - Returns: whether it was signalled.
    func take() -> Bool { event.take() }

    /// Wakes the control thread, which from then on checks the poller itself. Called by the last free worker when it
    /// becomes busy; only the first call signals.
    func noneWaiting() {
        if !isWatching.exchange(true, ordering: .sequentiallyConsistent) { event.signal() }
    }

    /// Wakes the control thread when the process stops taking connections from the handover queue. Only the first call
    /// signals, as with `noneWaiting`.
    func receivingPaused() {
        if !isWatchingPausedReceiving.exchange(true, ordering: .sequentiallyConsistent) { event.signal() }
    }

    var isStopRequested: Bool { stopIsRequested.load(ordering: .acquiring) }

    /// Wakes the control thread for one round of its checks.
    func signal() { event.signal() }

    /// Requests a graceful stop, as SIGTERM does.
    func requestStop() {
        stopIsRequested.store(true, ordering: .releasing)
        event.signal()
    }

    func poolEmptied() {
        poolIsEmpty.store(true, ordering: .releasing)
        event.signal()
    }

    /// Returns whether the control thread must watch the poller itself. Otherwise the next `noneWaiting` signals.
    func watchForPressure(_ isPressed: () -> Bool) -> Bool { Self.watch(isWatching, isPressed) }

    /// Returns whether the control thread must check by itself when the process can return to the handover queue.
    /// Otherwise the next `receivingPaused` signals.
    func watchForPausedReceiving(_ isPaused: () -> Bool) -> Bool {
        Self.watch(isWatchingPausedReceiving, isPaused)
    }

    private static func watch(_ isWatching: borrowing Atomic<Bool>, _ isNeeded: () -> Bool) -> Bool {
        // Reset before the check, so that a worker that changes the condition in between signals.
        isWatching.store(false, ordering: .sequentiallyConsistent)
        guard isNeeded() else { return false }
        isWatching.store(true, ordering: .sequentiallyConsistent)
        return true
    }
}
