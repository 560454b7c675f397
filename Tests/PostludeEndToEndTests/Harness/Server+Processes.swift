import Foundation

extension Server {
    /// The supervisor's processes, unordered, including those that are about to end.
    var children: [Int32] {
        let folder = "/proc/\(process.pid)/task"
        // /proc lists the children of each thread separately.
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return threads.flatMap { thread in
            let text = (try? String(contentsOfFile: "\(folder)/\(thread)/children", encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { Int32($0) }
        }
    }

    /// A size of the server's process in /proc, such as `VmRSS`, the memory that it has.
    func kibibytes(_ name: String) -> Int? {
        let status = try? String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("\(name):") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }

    /// How many of the log's lines contain all parts.
    func logCount(of parts: String...) -> Int {
        log.split(separator: "\n").count { line in parts.allSatisfy { line.contains($0) } }
    }

    /// Writes another manifest, and waits until the given number of processes use it or have refused it.
    func reload(_ manifest: TestManifest, in processes: Int) throws {
        try folder.write("routes.yaml", manifest.text)
        let before = logCount(of: "serving with a new manifest")
        process.send(signal: SIGHUP)
        try waitUntil("\(processes) processes serve with a new manifest: \(log)") {
            logCount(of: "serving with a new manifest") >= before + processes
        }
    }
}

/// Stops a process, and waits until each of its threads has stopped: a thread that runs, or that was just woken, goes on for a
/// moment after the signal was sent.
func suspend(_ pid: Int32) throws {
    kill(pid, SIGSTOP)
    let folder = "/proc/\(pid)/task"
    try waitUntil("process \(pid) is stopped") {
        try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { thread in
            // After the name, which may contain any character: the state.
            let text = try String(contentsOfFile: "\(folder)/\(thread)/stat", encoding: .utf8)
            return text.split(separator: ")").last?.hasPrefix(" T") == true
        }
    }
}
