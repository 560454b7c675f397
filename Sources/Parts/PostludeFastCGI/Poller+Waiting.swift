import PostludeSystem
import Synchronization

/// Which workers wait for events, and which are parked.
extension Poller {
    /// Readable whenever an event waits for a worker.
    package var descriptor: Int32 { epoll.descriptor }
    /// Whether an event waits for a worker right now.
    package var hasEvents: Bool { isReadable(epoll.descriptor) }
    /// Whether a worker is free.
    package var isAnyoneWaiting: Bool { waiting.load(ordering: .sequentiallyConsistent) > 0 }
    /// Whether every worker has been, or will be, told to stop.
    package var hasStopped: Bool { isReadable(stopSignal.descriptor) }
    /// Whether other processes may take connections of this one.
    package var hasSiblings: Bool { handover != nil }
    package var isAnyoneParked: Bool { parked.load(ordering: .sequentiallyConsistent) > 0 }
    /// How many events workers have taken so far: it stands still while all of them are held up.
    package var takenEvents: Int { taken.load(ordering: .relaxed) }

    /// The calling worker will be busy for a while: another one takes its place.
    package func stepAside() {
        if waiting.load(ordering: .relaxed) < width.load(ordering: .relaxed) { callParked() }
    }

    /// Brings a parked worker to where it waits for events, because the others are held up; from now on more
    /// of them wait there.
    ///
    /// - Returns: false when no worker is parked.
    package func widen() -> Bool {
        guard parked.load(ordering: .sequentiallyConsistent) > 0 else { return false }
        width.add(1, ordering: .relaxed)
        callParked()
        return true
    }

    /// Takes one step back from `widen`. Called by the control thread now and then.
    package func narrow() {
        if width.load(ordering: .relaxed) > leastWidth { width.subtract(1, ordering: .relaxed) }
    }

    enum Parking {
        case called, nothing, stopped
    }

    /// - Returns: false when enough workers wait already.
    func startWaiting() -> Bool {
        let count = waiting.add(1, ordering: .sequentiallyConsistent).newValue
        guard count > width.load(ordering: .relaxed) else { return true }
        waiting.subtract(1, ordering: .sequentiallyConsistent)
        return false
    }

    func park(_ milliseconds: Int32) -> Parking {
        parked.add(1, ordering: .sequentiallyConsistent)
        defer { parked.subtract(1, ordering: .sequentiallyConsistent) }
        // Those that made this worker park may have left before it did.
        if waiting.load(ordering: .sequentiallyConsistent) < width.load(ordering: .relaxed) { return .called }
        let end =
            MonotonicTime.now + .milliseconds(milliseconds < 0 ? Int64.max / 1_000_000 : Int64(milliseconds))
        // A call wakes every parked worker, and one of them gets it.
        while true {
            let left = Int32(clamping: (end - .now).saturatedNanoseconds / 1_000_000)
            waitForInput([parking.descriptor, stopSignal.descriptor], milliseconds: max(0, left))
            if isReadable(stopSignal.descriptor) { return .stopped }
            if parking.take() { return .called }
            if left <= 0 { return .nothing }
        }
    }

    func callParked() {
        if parked.load(ordering: .sequentiallyConsistent) > 0 { parking.signal() }
    }
}
