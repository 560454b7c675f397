internal import Glibc
internal import PostludeManifest
internal import PostludeSupervision
internal import PostludeSystem
internal import Synchronization

/// Decides whether the process should be replaced: after a number of requests, above a memory limit, or if it cannot
/// continue.
///
/// Asks the supervisor once. The process continues to serve until it receives the command to drain.
final class Recycling: Sendable {
    private let supervisor: ControlSocket?
    private let wakeup: ControlWakeup
    private let requests = Atomic<Int>(0)
    private let requestLimit = Atomic<Int>(.max)
    private let memoryLimit = Atomic<Int>(.max)
    private let nextCheck = Atomic<Int64>(0)
    private let hasAsked = Atomic<Bool>(false)

    /// - Parameter supervisor: the socket to the supervisor; nil for a process without one.
    init(_ processes: Manifest.Processes, supervisor: ControlSocket?, wakeup: ControlWakeup) {
        self.supervisor = supervisor
        self.wakeup = wakeup
        setLimits(processes)
    }

    /// Applies the limits of a new manifest.
    func setLimits(_ processes: Manifest.Processes) {
        requestLimit.store(processes.maximumRequests.map(Self.scattered) ?? .max, ordering: .relaxed)
        memoryLimit.store(processes.maximumMemory ?? .max, ordering: .relaxed)
    }

    /// Varies the count randomly by up to a tenth, so that processes that were started together are not replaced
    /// together.
    private static func scattered(_ count: Int) -> Int {
        let tenth = count / 10
        let (sum, overflows) = count.addingReportingOverflow(.random(in: -tenth...tenth))
        return overflows ? .max : max(1, sum)
    }

    /// Counts a request; called by its worker.
    func countRequest() {
        let count = requests.wrappingAdd(1, ordering: .relaxed).newValue
        if count == requestLimit.load(ordering: .relaxed) { wakeup.signal() }
    }

    /// Requests a replacement if a limit is exceeded; called by the control thread.
    func check(at now: MonotonicTime) {
        guard supervisor != nil, !hasAsked.load(ordering: .relaxed) else { return }
        let count = requests.load(ordering: .relaxed)
        if count >= requestLimit.load(ordering: .relaxed) { return request("\(count) requests") }
        let limit = memoryLimit.load(ordering: .relaxed)
        // A process that is too large before its first request would be replaced by one that is as large.
        guard limit < .max, count > 0, now.nanoseconds >= nextCheck.load(ordering: .relaxed) else { return }
        nextCheck.store((now + .seconds(1)).nanoseconds, ordering: .relaxed)
        if let size = ProcessUsage.ownMemory, size > limit { request("\(size >> 20) MiB of memory") }
    }

    /// Requests a replacement from the supervisor, once. A process without a supervisor drains, so that the service
    /// manager restarts it.
    func request(_ reason: String) {
        guard !hasAsked.exchange(true, ordering: .relaxed) else { return }
        guard let supervisor else { return wakeup.requestStop() }
        supervisor.send(.replace(reason: reason))
    }
}
