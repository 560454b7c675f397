import Foundation
import Postlude
import PostludeDurable

/// A task that takes a time, and notes how long it has waited. The manifest limits it.
struct Export: DurableTask {
    var customer: String
    /// Seconds since 1970.
    var added: Double
    /// Milliseconds.
    var pause: Int

    func run(_ context: TaskContext) async throws {
        let wait = Date().timeIntervalSince1970 - added
        note("\(1000 * wait)", in: "waits-\(customer)")
        try await Task.sleep(for: .milliseconds(pause))
    }
}

/// A task that notes when and in which process it begins and ends.
struct Exclusive: DurableTask {
    var label: String
    var gate: String?

    static var policy: DurablePolicy { DurablePolicy(limit: TaskLimit(running: 1)) }

    func run(_ context: TaskContext) async throws {
        note("\(getpid()) begins \(label)", in: "turns")
        try await pass(gate: gate)
        note("\(getpid()) ends \(label)", in: "turns")
    }
}

/// A task that does nothing, and which the manifest limits.
struct Limited: DurableTask {
    var number: Int

    func run(_ context: TaskContext) async throws {}
}

struct ExportQuery: Decodable, Sendable {
    var customer: String
    var count: Int
    var pause: Int
}

func exports(_ query: Query<ExportQuery>, tasks: BackgroundTasks) throws -> Response {
    let now = Date().timeIntervalSince1970
    for _ in 0..<query.count {
        try tasks.enqueue(Export(customer: query.customer, added: now, pause: query.pause))
    }
    return .text("done")
}

struct ExclusiveQuery: Decodable, Sendable {
    var label: String
    var gate: String?
}

func exclusive(_ query: Query<ExclusiveQuery>, tasks: BackgroundTasks) throws -> Accepted {
    Accepted(ids: [try tasks.enqueue(Exclusive(label: query.label, gate: query.gate)).id])
}

func limited(tasks: BackgroundTasks) throws -> Response {
    try tasks.enqueue(Limited(number: 1))
    return .text("done")
}
