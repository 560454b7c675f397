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
    Journal.write("\(prefix)start \(number)", to: "started")
    try Gate.wait(gate)
    Journal.write("\(prefix)step \(number)")
}

func stepAsync(_ number: Int, gate: String?, prefix: String) async throws {
    Journal.write("\(prefix)start \(number)", to: "started")
    try await Gate.waitAsync(gate)
    Journal.write("\(prefix)step \(number)")
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

/// Every third closure is `async`: both kinds stand in one line.
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

/// Keeps the tasks beyond their end, and adds one more then.
func late(query: Query<Gated>, tasks: BackgroundTasks) -> [String: String] {
    let gate = query.value.gate
    tasks.add(report, "in time")
    Thread.detachNewThread {
        do {
            try Gate.wait(gate)
            tasks.add(named: "too-late") { Journal.write("too late") }
            Journal.write("added")
        } catch {
            Journal.write("\(error)")
        }
    }
    return ["status": "queued"]
}

/// Adds from a hundred child tasks at once.
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
