import Foundation
import Postlude
import PostludeDurable

struct JourneyQuery: Codable, Sendable {
    var label: String
    /// What follows the first step: `wait` for the gate `go`, `loop`, `sleep`, or an error.
    var then: String
}

/// A task in steps.
struct Journey: DurableTask {
    var query: JourneyQuery

    struct Closed: Error {}

    static var policy: DurablePolicy {
        DurablePolicy(
            retry: RetryPolicy(
                attempts: 3, delay: .milliseconds(20), jitter: 0, onError: [.discard(Closed.self)]))
    }

    func run(_ context: TaskContext) async throws -> String {
        let label = query.label
        let packed = try context.step("pack") {
            note("\(label) packs")
            return UInt64.random(in: 0 ... .max)
        }
        try await context.step(query.then) {
            note("\(label) \(query.then) \(context.attempt)", in: "begun")
            context.progress(0.5, "\(query.then) of \(label)")
            switch query.then {
            case "wait": try await pass(gate: "go")
            case "snooze" where access("go", F_OK) != 0: throw TaskError.snooze(for: .milliseconds(100))
            case "retry" where access("go", F_OK) != 0: throw TaskError.retry(after: .seconds(3600), "429")
            case "discard": throw TaskError.discard("nobody is there")
            case "closed": throw Closed()
            default: break
            }
        }
        let miles = try context.cursor("miles", from: 0, every: 5, or: .seconds(3600))
        while query.then == "loop", miles.value < 30 {
            let next = miles.value + 1
            note("\(label) mile \(next)")
            if next == 18 { try await pass(gate: "go") }
            try miles.advance(to: next)
        }
        if query.then == "sleep" { try await context.sleep(for: .seconds(2)) }
        note("\(label) arrives")
        return "\(packed)"
    }
}

func journey(_ query: Query<JourneyQuery>, tasks: BackgroundTasks) throws -> Accepted {
    let first = try tasks.enqueue(Journey(query: query.value), stopOnFailure: true).id
    let then = try tasks.enqueue(Step(label: query.value.label, number: 2)).id
    return Accepted(ids: [first, then])
}
