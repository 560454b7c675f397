import Foundation

/// A browser, and Chromium's DevTools protocol over two pipes: JSON messages, each ended by a zero byte.
final class DevToolsPipe {
    private let process: ChildProcess
    private let folder: TestFolder
    private let commands: FileHandle
    private let answers: FileHandle
    private var buffer: [UInt8] = []
    private var last = 0

    init(starting executable: String, _ options: [String], in folder: TestFolder) throws {
        self.folder = folder
        commands = try Self.makeFIFO(folder.file("commands"))
        answers = try Self.makeFIFO(folder.file("answers"))
        // Chromium reads commands from descriptor 3, and writes responses to descriptor 4.
        process = try ChildProcess(
            "sh",
            ["-c", #"exec "$0" --remote-debugging-pipe "$@" 3<commands 4>answers"#, executable] + options,
            environment: ["HOME": folder.path], output: folder.file("browser.log"),
            errors: folder.file("browser.log"), directory: folder.path)
    }

    /// Opened for reading and writing, so that the open does not wait for the browser.
    private static func makeFIFO(_ path: String) throws -> FileHandle {
        guard mkfifo(path, 0o600) == 0 else { throw SystemCallError("mkfifo \(path)") }
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCallError("open \(path)") }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// The browser's standard error.
    var log: String { folder.text("browser.log") }

    /// Ends the browser with all of its processes.
    func close() {
        _ = try? call("Browser.close")
        _ = try? process.waitForExit()
    }

    /// Calls a method of the protocol, and waits for its result. Skips events that arrive before it.
    ///
    /// - Throws: `Browser.Failure` with the browser's error.
    @discardableResult
    func call(
        _ method: String, _ parameters: [String: Any] = [:], session: String? = nil,
        within limit: Duration = .eventLimit
    ) throws -> [String: Any] {
        last += 1
        var message: [String: Any] = ["id": last, "method": method, "params": parameters]
        message["sessionId"] = session
        try commands.write(contentsOf: JSONSerialization.data(withJSONObject: message) + [0])
        let end = ContinuousClock.now + limit
        while true {
            let answer = try next(until: end)
            guard answer["id"] as? Int == last else { continue }
            if let error = answer["error"] { throw Browser.Failure(description: "\(method): \(error)") }
            return answer["result"] as? [String: Any] ?? [:]
        }
    }

    private func next(until end: ContinuousClock.Instant) throws -> [String: Any] {
        var searched = 0
        while true {
            if let zero = buffer[searched...].firstIndex(of: 0) {
                defer { buffer.removeFirst(zero + 1) }
                let message = try JSONSerialization.jsonObject(with: Data(buffer[..<zero]))
                return message as? [String: Any] ?? [:]
            }
            searched = buffer.count
            try waitForInput(until: end)
            buffer += answers.availableData
        }
    }

    private func waitForInput(until end: ContinuousClock.Instant) throws {
        var poller = pollfd(fd: answers.fileDescriptor, events: Int16(POLLIN), revents: 0)
        // Checks from time to time whether the browser still runs: the pipe, which the harness holds open as
        // well, does not show that.
        while poll(&poller, 1, 100) <= 0 {
            if let exit = process.exitIfEnded() {
                throw Browser.Failure(description: "the browser has ended with \(exit)")
            }
            guard ContinuousClock.now < end else {
                throw TimedOut(description: "the browser does not answer")
            }
        }
    }
}
