internal import Glibc
internal import PostludeManifest
internal import PostludeSupervision
internal import PostludeSystem
internal import Synchronization

/// Whether a process should be replaced: it has answered so many requests, it holds so much memory, or it cannot go on.
///
/// The supervisor is asked once; the process serves until it is told to drain.
final class Recycling: Sendable {
    private let supervisor: ControlSocket?
    private let bell: ControlWakeup
    private let requests = Atomic<Int>(0)
    private let requestLimit = Atomic<Int>(.max)
    private let memoryLimit = Atomic<Int>(.max)
    private let nextLook = Atomic<Int64>(0)
    private let hasAsked = Atomic<Bool>(false)

    /// - Parameter supervisor: nil for a process without one.
    init(_ processes: Manifest.Processes, supervisor: ControlSocket?, bell: ControlWakeup) {
        self.supervisor = supervisor
        self.bell = bell
        setLimits(processes)
    }

    /// By another manifest from now on.
    func setLimits(_ processes: Manifest.Processes) {
        requestLimit.store(processes.maximumRequests.map(Self.scattered) ?? .max, ordering: .relaxed)
        memoryLimit.store(processes.maximumMemory ?? .max, ordering: .relaxed)
    }

    /// A tenth more or less, so that processes that were started together are not replaced together.
    private static func scattered(_ count: Int) -> Int {
        let tenth = count / 10
        let (sum, overflows) = count.addingReportingOverflow(.random(in: -tenth...tenth))
        return overflows ? .max : max(1, sum)
    }

    /// Called by a worker for each request.
    func countRequest() {
        let count = requests.wrappingAdd(1, ordering: .relaxed).newValue
        if count == requestLimit.load(ordering: .relaxed) { bell.ring() }
    }

    /// Called by the control thread.
    func check(at now: MonotonicTime) {
        guard supervisor != nil, !hasAsked.load(ordering: .relaxed) else { return }
        let count = requests.load(ordering: .relaxed)
        if count >= requestLimit.load(ordering: .relaxed) { return request("\(count) requests") }
        let limit = memoryLimit.load(ordering: .relaxed)
        // One that has done nothing yet would be followed by another one as large.
        guard limit < .max, count > 0, now.nanoseconds >= nextLook.load(ordering: .relaxed) else { return }
        nextLook.store((now + .seconds(1)).nanoseconds, ordering: .relaxed)
        if let size = ProcessMemory.resident, size > limit { request("\(size >> 20) MiB of memory") }
    }

    /// Asks the supervisor for a successor. A process without a supervisor drains, so that it can be started anew.
    func request(_ reason: String) {
        guard !hasAsked.exchange(true, ordering: .relaxed) else { return }
        guard let supervisor else { return bell.requestStop() }
        supervisor.send(.replace(reason: reason))
    }
}
