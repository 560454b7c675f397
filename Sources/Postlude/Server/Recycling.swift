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
        if let size = ProcessMemory.resident, size > limit { request("\(size >> 20) MiB of memory") }
    }

    /// Requests a replacement from the supervisor, once. A process without a supervisor drains, so that the service
    /// manager restarts it.
    func request(_ reason: String) {
        guard !hasAsked.exchange(true, ordering: .relaxed) else { return }
        guard let supervisor else { return wakeup.requestStop() }
        supervisor.send(.replace(reason: reason))
    }
}

/// The memory of this process, as the kernel counts it.
private enum ProcessMemory {
    /// The resident set size in bytes; nil if `/proc` is not mounted.
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
