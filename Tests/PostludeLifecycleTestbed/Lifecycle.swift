import Foundation
import Postlude
import ServiceLifecycle

/// An application that records its start and its stop. A variable can make it fail.
struct Lifecycle: Application {
    init() {}

    var services: [any Service] { [Database()] }

    var handlers: Handlers {
        Handler("hello") { Response.text("hello") }
        Handler("task") { (tasks: BackgroundTasks) in
            tasks.add(named: "gated") {
                while !FileManager.default.fileExists(atPath: "gate") {
                    try await Task.sleep(for: .milliseconds(2))
                }
                EventLog.write("task")
            }
        }
    }

    func start() async throws {
        await Task.yield()
        if let reason = ProcessInfo.processInfo.environment["START_FAILS"] { throw Refusal(reason: reason) }
        EventLog.write("start")
    }

    func stop() async throws {
        await Task.yield()
        EventLog.write("stop")
    }
}

/// The reason why the application does not start.
struct Refusal: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}

/// A service of the application. It runs until it is stopped, or (with `SERVICE_FAILS`) until the file of
/// that name exists, and then fails.
struct Database: Service {
    func run() async throws {
        EventLog.write("service runs")
        defer { EventLog.write("service ends") }
        guard let file = ProcessInfo.processInfo.environment["SERVICE_FAILS"] else {
            return try await gracefulShutdown()
        }
        while !FileManager.default.fileExists(atPath: file) { try await Task.sleep(for: .milliseconds(2)) }
        throw Refusal(reason: "the database is gone")
    }
}

/// The events, in order, in the working directory's file `events`.
enum EventLog {
    static func write(_ line: String) {
        let descriptor = open("events", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        precondition(descriptor >= 0, "cannot open events: \(String(cString: strerror(errno)))")
        let bytes = Array((line + "\n").utf8)
        let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        precondition(written == bytes.count, "cannot write to events")
        close(descriptor)
    }
}
