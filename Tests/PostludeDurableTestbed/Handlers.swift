import Postlude
import PostludeDurable

struct OrderQuery: Decodable, Sendable {
    var label: String
    var count: Int?
    var gate: String?
    var after: Int?
    var key: String?
    var failures: Int?
    /// Whether the tasks are persisted before the response.
    var keep: Bool?
    var pause: Int?
}

struct Accepted: Encodable, ResponseConvertible {
    var ids: [String]
    func response() throws -> Response { try .json(self, status: .accepted) }
}

func order(_ query: Query<OrderQuery>, tasks: BackgroundTasks) throws -> Accepted {
    let query = query.value
    let ids = try (1...(query.count ?? 3)).map { number in
        try tasks.enqueue(Step(label: query.label, number: number, gate: query.gate, pause: query.pause)).id
    }
    if query.keep == true { _ = try tasks.persist() }
    tasks.add(named: "ordinary") { note("\(query.label) ordinary") }
    return Accepted(ids: ids)
}

func single(_ query: Query<OrderQuery>, tasks: BackgroundTasks) throws -> Accepted {
    let query = query.value
    let delay = query.after.map { Duration.milliseconds($0) }
    if let failures = query.failures {
        return Accepted(ids: [
            try tasks.enqueue(Flaky(label: query.label, failures: failures), after: delay).id
        ])
    }
    let step = Step(label: query.label, number: 1, gate: query.gate)
    return Accepted(ids: [try tasks.enqueue(step, after: delay, unique: query.key).id])
}

func throwing(_ query: Query<OrderQuery>, tasks: BackgroundTasks) throws -> Accepted {
    _ = try order(query, tasks: tasks)
    throw HTTPError(.conflict)
}

/// Adds a durable task when its response has finished.
func late(_ query: Query<OrderQuery>, tasks: BackgroundTasks) -> String {
    let label = query.value.label
    tasks.add {
        do {
            try tasks.enqueue(Step(label: label, number: 1))
            note("\(label) was added")
        } catch {
            note("\(label) \(type(of: error))")
        }
    }
    return "late"
}

/// The request of a measurement, with one task that does nothing.
func stored(tasks: BackgroundTasks) throws -> Response {
    try tasks.enqueue(Nothing(number: 1))
    return .text("done")
}

func ordinary(tasks: BackgroundTasks) -> Response {
    tasks.add {}
    return .text("done")
}

/// Many tasks that are due at the same time.
func many(_ query: Query<OrderQuery>, tasks: BackgroundTasks) throws -> Response {
    let delay = Duration.milliseconds(query.value.after ?? 0)
    for number in 1...(query.value.count ?? 1) { try tasks.enqueue(Nothing(number: number), after: delay) }
    return .text("done")
}

/// As `many`, with the ids of the tasks.
func scheduled(_ query: Query<OrderQuery>, tasks: BackgroundTasks) throws -> Accepted {
    let delay = Duration.milliseconds(query.value.after ?? 0)
    return Accepted(
        ids: try (1...(query.value.count ?? 1)).map {
            try tasks.enqueue(Nothing(number: $0), after: delay).id
        })
}

/// Does what must not be done twice, and then waits for a gate. Its answer says which call has made it.
func pay(_ query: Query<OrderQuery>, tasks: BackgroundTasks) async throws -> Accepted {
    let query = query.value
    note("\(query.label)", in: "handled")
    var ids = try (1...2).map { try tasks.enqueue(Step(label: query.label, number: $0)).id }
    try await pass(gate: query.gate)
    ids.append("\(UInt64.random(in: 0 ... .max))")
    return Accepted(ids: ids)
}

/// The state of the newest task with a key.
func keyed(_ query: Query<OrderQuery>, tasks: BackgroundTasks) throws -> [String: String] {
    guard let status = try tasks.status(of: Step.self, unique: query.value.key ?? "") else {
        throw HTTPError(.notFound)
    }
    return ["id": status.id, "state": status.state.rawValue, "result": try status.result() ?? "none"]
}

func family(_ query: Query<OrderQuery>, tasks: BackgroundTasks) throws -> Accepted {
    let query = query.value
    let family = Family(label: query.label, count: query.count ?? 1, gate: query.gate)
    return Accepted(ids: [try tasks.enqueue(family).id])
}

func busy(_ query: Query<OrderQuery>, tasks: BackgroundTasks) throws -> Accepted {
    Accepted(ids: [try tasks.enqueue(Busy(label: query.value.label)).id])
}

struct CancelQuery: Decodable, Sendable {
    var id: String
}

/// Cancels a task of any process.
func cancel(_ query: Query<CancelQuery>, request: Request) throws -> [String: Int] {
    guard let selection = DurableTaskSelection.task(query.value.id) else { throw HTTPError(.notFound) }
    let testbed = try request.application(DurableTestbed.self)
    return ["count": try testbed.tasks.cancel(selection, by: "the handler")]
}
