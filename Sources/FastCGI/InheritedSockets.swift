package import Glibc

/// The descriptors that the program was started with: spawn-fcgi's 0, or those of systemd's socket units.
package struct InheritedSockets: Equatable {
    /// The socket to serve on.
    package let main: Int32
    /// The one named `status` (FileDescriptorName=status), where the state is shown.
    package let status: Int32?

    /// - Parameters:
    ///   - variables: looks an environment variable up.
    ///   - pid: this process's number.
    /// - Throws: `.tooManySockets` when it is not clear which of several sockets to serve on.
    package init(
        environment variables: (String) -> String? = { getenv($0).map { String(cString: $0) } },
        pid: pid_t = getpid()
    ) throws(ListenError) {
        guard variables("LISTEN_PID").flatMap({ pid_t($0) }) == pid,
            let count = variables("LISTEN_FDS").flatMap({ Int32($0) }), count > 0
        else {
            main = 0
            status = nil
            return
        }
        // Without names, systemd calls all of them "unknown".
        let names = (variables("LISTEN_FDNAMES") ?? "")
            .split(separator: ":", omittingEmptySubsequences: false)
        func name(_ index: Int32) -> Substring? {
            names.indices.contains(Int(index)) ? names[Int(index)] : nil
        }
        let others = (0..<min(count, 64)).filter { name($0) != "status" }
        let statuses = (0..<min(count, 64)).filter { name($0) == "status" }
        guard let first = others.first, others.count == 1, statuses.count <= 1 else {
            throw .tooManySockets(Int(count), names: names.joined(separator: ", "))
        }
        // SD_LISTEN_FDS_START
        main = 3 + first
        status = statuses.first.map { 3 + $0 }
    }
}
