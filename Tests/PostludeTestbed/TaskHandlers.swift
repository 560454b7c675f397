import Foundation
import Postlude

struct Steps: Decodable {
    var count: Int?
    var gate: String?
    var label: String?

    var numbers: ClosedRange<Int> { 1...(count ?? 1) }
    var prefix: String { label.map { $0 + " " } ?? "" }
}

func step(_ number: Int, gate: String?, prefix: String) throws {
    EventLog.write("\(prefix)start \(number)", to: "started")
    try Gate.wait(gate)
    EventLog.write("\(prefix)step \(number)")
}

func stepAsync(_ number: Int, gate: String?, prefix: String) async throws {
    EventLog.write("\(prefix)start \(number)", to: "started")
    try await Gate.waitAsync(gate)
    EventLog.write("\(prefix)step \(number)")
}

func steps(query: Query<Steps>, tasks: BackgroundTasks) -> [String: String] {
    let steps = query.value
    for number in steps.numbers { tasks.add(step, number, steps.gate, steps.prefix) }
    return ["status": "queued"]
}

func stepsAsync(tasks: BackgroundTasks, query: Query<Steps>) async -> [String: String] {
    let steps = query.value
    for number in steps.numbers { tasks.add(stepAsync, number, steps.gate, steps.prefix) }
    return ["status": "queued"]
}

/// Every third closure is `async`: both kinds are in one queue.
func stepsClosures(query: Query<Steps>, tasks: BackgroundTasks) -> [String: String] {
    let steps = query.value
    for number in steps.numbers {
        if number % 3 == 0 {
            tasks.add(named: "step-\(number)") {
                try await stepAsync(number, gate: steps.gate, prefix: steps.prefix)
            }
        } else {
            tasks.add(named: "step-\(number)") {
                try step(number, gate: steps.gate, prefix: steps.prefix)
            }
        }
    }
    return ["status": "queued"]
}

struct Spill: Error {
    var litres: Int
}

func failing(tasks: BackgroundTasks, request: Request) -> [String: String] {
    tasks.add(report, "first")
    tasks.add(named: "spilling") { throw Spill(litres: 42) }
    tasks.add(named: "spilling-later") {
        try await Task.sleep(for: .milliseconds(1))
        throw Spill(litres: 43)
    }
    tasks.add(report, "last")
    return ["id": "\(request.id)"]
}

/// Keeps the input beyond the last task, and adds one more then.
func late(query: Query<Gated>, tasks: BackgroundTasks) -> [String: String] {
    let gate = query.value.gate
    tasks.add(report, "in time")
    Thread.detachNewThread {
        do {
            try Gate.wait(gate)
            tasks.add(named: "too-late") { EventLog.write("too late") }
            EventLog.write("added")
        } catch {
            EventLog.write("\(error)")
        }
    }
    return ["status": "queued"]
}

/// Adds tasks from a hundred child tasks at once.
func children(tasks: BackgroundTasks) async -> [String: String] {
    await withTaskGroup(of: Void.self) { group in
        for child in 0..<100 {
            group.addTask {
                for number in 0..<10 { tasks.add(report, "child \(child) \(number)") }
            }
        }
    }
    return ["status": "queued"]
}

// MARK: Conditions, retries, groups, handles

struct Ending: Decodable {
    /// The handler's status; 0 for an error that it throws.
    var status: Int
    var gate: String?
    var count: Int?
}

/// A task for each condition.
func conditions(query: Query<Ending>, tasks: BackgroundTasks) throws -> Response {
    let ending = query.value
    tasks.add(report, "not thrown")
    tasks.add(when: .success, report, "success")
    tasks.add(when: .failure, report, "failure")
    tasks.add(when: .delivered, report, "taken")
    tasks.add(when: .undelivered, report, "not taken")
    tasks.add(named: "always", when: .always, report, "always")
    if let gate = ending.gate {
        EventLog.write("handling", to: "started")
        try Gate.wait(gate)
    }
    guard ending.status > 0 else { throw Spill(litres: 1) }
    return .text(
        String(repeating: "0123456789abcde\n", count: (ending.count ?? 16) / 16),
        status: .init(code: ending.status))
}

struct Retries: Decodable {
    var attempts: Int
    var failures: Int
    /// Milliseconds.
    var delay: Int
    var label: String?
}

/// A task that fails a number of times, and one after it.
func retries(query: Query<Retries>, tasks: BackgroundTasks) -> [String: String] {
    let retries = query.value
    let label = retries.label ?? "retry"
    tasks.add(
        named: label,
        retry: .init(attempts: retries.attempts, delay: .milliseconds(retries.delay), factor: 1)
    ) {
        let attempt = TaskContext.current?.attempt ?? 0
        EventLog.write("\(label) \(attempt)")
        if attempt <= retries.failures { throw Spill(litres: attempt) }
    }
    tasks.add(report, "behind \(label)")
    return ["status": "queued"]
}

/// Members that wait for each other, and then a task after them.
func group(query: Query<Steps>, tasks: BackgroundTasks) -> [String: String] {
    let steps = query.value
    tasks.group(named: "group", limit: 2) { group in
        for number in steps.numbers {
            if number % 2 == 0 {
                group.add(step, number, steps.gate, steps.prefix)
            } else {
                group.add(stepAsync, number, steps.gate, steps.prefix)
            }
        }
    }
    tasks.add(report, "behind the group")
    return ["status": "queued"]
}

/// A task that is cancelled at once, and one whose failure ends the queue.
func taskHandles(tasks: BackgroundTasks) -> [String: Bool] {
    let taken = tasks.add(named: "taken back") { EventLog.write("taken back") }
    let isCancelled = taken.cancel()
    tasks.add(report, "first")
    tasks.add(named: "stopping", stopOnFailure: true) { throw Spill(litres: 3) }
    tasks.add(named: "behind the failure") { EventLog.write("behind the failure") }
    return ["taken back": isCancelled]
}

/// A task with a deadline of its own.
func overdue(tasks: BackgroundTasks) -> [String: String] {
    tasks.add(named: "endless", deadline: .milliseconds(50)) { try await Task.sleep(for: .seconds(3600)) }
    tasks.add(report, "after the deadline")
    return ["status": "queued"]
}

extension Testbed {
    @HandlersBuilder var taskHandlers: Handlers {
        Handler("conditions", conditions)
        Handler("retries", retries)
        Handler("group", group)
        Handler("task-handles", taskHandles)
        Handler("overdue", overdue)
    }

    func taskFailed(_ failure: TaskFailure) {
        EventLog.write(
            "\(failure.taskName) \(failure.attempts) \(failure.route) \(failure.error)", to: "failures")
    }
}
