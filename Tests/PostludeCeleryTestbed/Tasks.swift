import Foundation
import Postlude
import PostludeCelery
import PostludeDurable

/// A task that Python's workers know as well.
struct Echo: DurableTask {
    var label: String
    var number: Int

    static let name = "app.echo"
    static var policy: DurablePolicy { DurablePolicy(runs: .celery("python")) }

    func run(_ context: TaskContext) async throws { throw Wrong() }
}

/// Types for which Python has types of its own.
struct Remind: DurableTask {
    var at: Date
    var id: UUID

    func run(_ context: TaskContext) async throws -> Remind { self }
}

/// A task for this program's own workers on another machine.
struct Note: DurableTask {
    var label: String
    var number: Int
    /// How many times it fails before it succeeds.
    var failures: Int?
    /// A file for which it waits.
    var gate: String?

    static var policy: DurablePolicy {
        DurablePolicy(
            retry: RetryPolicy(attempts: 3, delay: .milliseconds(20), jitter: 0), runs: .celery("swift"))
    }

    func run(_ context: TaskContext) async throws -> [String: String] {
        note("\(label) \(number) began", in: "begun")
        if let failures, context.attempt <= failures { throw Wrong() }
        while let gate, access(gate, F_OK) != 0 { try await Task.sleep(for: .milliseconds(2)) }
        note("\(label) \(number)")
        return ["label": label, "id": context.taskID ?? "-", "request": context.requestID]
    }
}

/// A task whose result not every caller can read.
struct Answer: DurableTask {
    enum Kind: String, Codable {
        /// An object with a name that kombu reserves.
        case unreadable
        case large
    }

    var kind: Kind

    static var policy: DurablePolicy { DurablePolicy(runs: .celery("swift")) }

    func run(_ context: TaskContext) async throws -> [String: String] {
        note("answer \(kind.rawValue)")
        return switch kind {
        case .unreadable: ["__type__": "uuid", "__value__": "7"]
        case .large: ["text": String(repeating: "x", count: 17 << 20)]
        }
    }
}

/// A task that never succeeds here.
struct Flaky: DurableTask {
    var label: String

    static let name = "app.rerouted"
    static var policy: DurablePolicy {
        DurablePolicy(
            retry: RetryPolicy(attempts: 2, delay: .milliseconds(20), jitter: 0),
            rerouting: TaskRerouting(to: .celery("python")))
    }

    func run(_ context: TaskContext) async throws {
        note("\(label) attempt \(context.attempt)")
        throw Wrong()
    }
}

/// A task that does not end within its deadline.
struct Slow: DurableTask {
    var label: String

    static let name = "app.slow"
    static var policy: DurablePolicy {
        DurablePolicy(
            deadline: .milliseconds(200), rerouting: TaskRerouting(to: .celery("python")))
    }

    func run(_ context: TaskContext) async throws {
        note("\(label) attempt \(context.attempt)")
        try await Task.sleep(for: .seconds(60))
    }
}

/// A task that does not end within its process's grace.
struct Left: DurableTask {
    var label: String

    static let name = "app.left"
    static var policy: DurablePolicy {
        DurablePolicy(rerouting: TaskRerouting(to: .celery("python"), when: [.shutdown]))
    }

    func run(_ context: TaskContext) async throws {
        note("\(label) attempt \(context.attempt)")
        try await Task.sleep(for: .seconds(60))
    }
}

/// A short task, for tests with many.
struct Count: DurableTask {
    var number: Int

    static var policy: DurablePolicy { DurablePolicy(runs: .celery("many")) }

    func run(_ context: TaskContext) async throws {
        note("\(number)", in: "begun-\(getpid())")
        try await Task.sleep(for: .milliseconds(2))
        note("\(number)", in: "counted")
    }
}

struct Wrong: Error {}
