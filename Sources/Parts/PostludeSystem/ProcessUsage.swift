import Glibc

/// The memory and the processor time of a process, as the kernel counts them.
package struct ProcessUsage: Sendable, Equatable {
    /// The resident set size, in bytes. Pages that several processes share count in each of them.
    package var memory: Int
    /// The processor time of all of its threads since its start.
    package var processorTime: Duration

    package init(memory: Int, processorTime: Duration) {
        (self.memory, self.processorTime) = (memory, processorTime)
    }

    /// Reads them from `/proc`.
    ///
    /// - Returns: nil if the process does not exist, or if `/proc` is not mounted or hides it.
    package init?(of pid: Int) {
        guard pid > 0, let memory = Self.memory(of: "\(pid)"),
            let text = Self.text(of: "/proc/\(pid)/stat"), let time = Self.processorTime(in: text)
        else { return nil }
        self.init(memory: memory, processorTime: time)
    }

    /// The resident set size of the calling process, in bytes; nil if `/proc` is not mounted.
    package static var ownMemory: Int? { memory(of: "self") }

    private static func memory(of process: String) -> Int? {
        let fields = text(of: "/proc/\(process)/statm")?.split(separator: " ") ?? []
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        let (bytes, overflows) = pages.multipliedReportingOverflow(by: sysconf(Int32(_SC_PAGESIZE)))
        return overflows ? nil : bytes
    }

    /// Returns the processor time in the content of `/proc/PID/stat`: the fields 14 and 15, in clock ticks.
    static func processorTime(in stat: String) -> Duration? {
        // The name before them, in parentheses, may contain anything.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[end...].split(separator: " ")
        let ticks = sysconf(Int32(_SC_CLK_TCK))
        guard fields.count > 13, ticks > 0, let user = UInt32(exactly: Int(fields[12]) ?? -1),
            let system = UInt32(exactly: Int(fields[13]) ?? -1)
        else { return nil }
        return .milliseconds((Int64(user) + Int64(system)) * 1000 / Int64(ticks))
    }

    /// Returns the beginning of a file of `/proc`, which is as long as those that are read here.
    private static func text(of path: String) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 1024)
        let count = text.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
        return count > 0 ? String(decoding: text.prefix(count), as: UTF8.self) : nil
    }
}
