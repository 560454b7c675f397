import PostludeSystem
import Synchronization

/// How many workers wait for events, and which ones are parked.
///
/// At most `width` workers wait at a time, the others are parked. Few workers that are seldom idle keep their caches, and
/// save the kernel from waking another one for each request. At first `width` is one for each core.
///
/// - A worker that knows that it will be busy for long, because it is about to run tasks, steps aside (`stepAside`): a
///   parked worker takes its place at once.
/// - If those that may wait are all held up, and events wait, the control thread adds a place (`widen`).
/// - Now and then the control thread takes one place away again (`narrow`).
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

    /// The calling worker will be busy for long: a parked one takes its place, unless enough others wait.
    package func stepAside() {
        if waiting.load(ordering: .relaxed) < width.load(ordering: .relaxed) { callParked() }
    }

    /// Lets one more worker wait for events, and calls a parked one for it.
    ///
    /// - Returns: false if no worker is parked.
    package func widen() -> Bool {
        guard parked.load(ordering: .sequentiallyConsistent) > 0 else { return false }
        width.add(1, ordering: .relaxed)
        callParked()
        return true
    }

    /// Takes back one step of `widen`.
    package func narrow() {
        if width.load(ordering: .relaxed) > leastWidth { width.subtract(1, ordering: .relaxed) }
    }

    enum Parking {
        case called, nothing, stopped
    }

    /// - Returns: false if enough workers wait already.
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
