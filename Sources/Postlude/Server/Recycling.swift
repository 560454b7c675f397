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

/// This process's memory, as the kernel counts it.
private enum ProcessMemory {
    /// Resident bytes; nil if /proc is not mounted.
    static var resident: Int? {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = text.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
        guard count > 0 else { return nil }
        let fields = String(decoding: text.prefix(count), as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        let (bytes, overflows) = pages.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
        return overflows ? nil : bytes
    }
}
