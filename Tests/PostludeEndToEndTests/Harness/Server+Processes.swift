import Foundation

extension Server {
    /// The processes that the supervisor has, in no order; also those that are about to end.
    var children: [Int32] {
        let folder = "/proc/\(process.pid)/task"
        // Each thread has the children that it has started.
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return threads.flatMap { thread in
            let text = (try? String(contentsOfFile: "\(folder)/\(thread)/children", encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { Int32($0) }
        }
    }

    /// How many of the log's lines hold all parts.
    func logCount(of parts: String...) -> Int {
        log.split(separator: "\n").count { line in parts.allSatisfy { line.contains($0) } }
    }

    /// Writes another manifest, and waits until so many processes have begun or refused to use it.
    func reload(_ manifest: TestManifest, in processes: Int) throws {
        try folder.write("routes.yaml", manifest.text)
        let before = logCount(of: "serving by a new manifest")
        process.send(signal: SIGHUP)
        try waitUntil("\(processes) processes serve by a new manifest: \(log)") {
            logCount(of: "serving by a new manifest") >= before + processes
        }
    }
}
