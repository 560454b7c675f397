internal import FoundationEssentials
internal import Glibc

/// What identifies a process of this machine, as long as the machine runs: its pid alone may be used again.
struct ProcessIdentity: Sendable, Equatable {
    let pid: Int64
    /// When it was started, in clock ticks since the machine's start.
    let start: Int64

    static var own: ProcessIdentity {
        ProcessIdentity(pid: Int64(getpid()), start: start(of: Int64(getpid())) ?? 1)
    }

    /// Whether the process has ended. False if that cannot be known.
    var isGone: Bool {
        guard kill(pid_t(truncatingIfNeeded: pid), 0) == 0 || errno == EPERM else { return errno == ESRCH }
        return Self.start(of: pid).map { $0 != start } ?? false
    }

    /// Reads the 22nd field of `/proc/PID/stat`, which follows the name in parentheses.
    private static func start(of pid: Int64) -> Int64? {
        guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
        let text = String(decoding: data, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // A process that has ended and that its parent has not waited for is a zombie.
        guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return 0 }
        return Int64(fields[19])
    }

    /// The machine, its start, the namespace of the pids and the user: processes with the same text see each other's files and
    /// pids.
    static let machine: String = {
        func file(_ path: String) -> String {
            String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
                .split(separator: "\n").first.map(String.init) ?? ""
        }
        let namespace =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? ""
        return "\(file("/proc/sys/kernel/random/boot_id")) \(namespace) \(geteuid())"
    }()

    static let host: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()
}
