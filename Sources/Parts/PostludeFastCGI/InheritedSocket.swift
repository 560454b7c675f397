package import Glibc

/// The descriptor that the program was started with: spawn-fcgi's 0, or that of systemd's socket unit.
package enum InheritedSocket {
    /// - Parameters:
    ///   - variables: looks an environment variable up.
    ///   - pid: this process's number.
    /// - Throws: `.tooManySockets` when systemd passes several.
    package static func descriptor(
        environment variables: (String) -> String? = { getenv($0).map { String(cString: $0) } },
        pid: pid_t = getpid()
    ) throws(ListenError) -> Int32 {
        guard variables("LISTEN_PID").flatMap({ pid_t($0) }) == pid,
            let count = variables("LISTEN_FDS").flatMap({ Int($0) }), count > 0
        else { return 0 }
        guard count == 1 else {
            throw .tooManySockets(count, names: variables("LISTEN_FDNAMES") ?? "")
        }
        // SD_LISTEN_FDS_START
        return 3
    }
}
