import Foundation
import Postlude
import PostludeDurable

/// One of a request's tasks.
struct Step: DurableTask {
    var label: String
    var number: Int
    var gate: String?
    /// How long it takes, in milliseconds.
    var pause: Int?

    static var policy: DurablePolicy { DurablePolicy(retry: RetryPolicy(attempts: 3)) }

    func run(_ context: TaskContext) async throws -> String {
        note("\(label) \(number) began", in: "begun")
        try await pass(gate: gate)
        if let pause { try await Task.sleep(for: .milliseconds(pause)) }
        note("\(label) \(number)")
        return "\(label) \(number)"
    }
}

/// A task that fails a given number of times.
struct Flaky: DurableTask {
    var label: String
    var failures: Int

    static var policy: DurablePolicy {
        DurablePolicy(retry: RetryPolicy(attempts: 3, delay: .milliseconds(20), jitter: 0))
    }

    func run(_ context: TaskContext) async throws {
        note("\(label) attempt \(context.attempt)")
        if context.attempt <= failures { throw Refused() }
    }
}

struct Nothing: DurableTask {
    var number: Int

    func run(_ context: TaskContext) async throws {}
}

/// A task that adds others in its commit, after it has passed a gate.
struct Family: DurableTask {
    var label: String
    var count: Int
    var gate: String?

    func run(_ context: TaskContext) async throws {
        note("\(label) family", in: "begun")
        for number in 1...count { try context.enqueue(Step(label: label, number: number)) }
        try await pass(gate: gate)
    }
}

/// A synchronous task that runs until it sees that it is cancelled.
struct Busy: DurableTask {
    var label: String

    func run(_ context: TaskContext) throws {
        note("\(label) busy", in: "begun")
        while !context.isCancelled { usleep(1_000) }
        note("\(label) saw it")
    }
}
