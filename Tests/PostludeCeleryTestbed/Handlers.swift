import Postlude
import PostludeCelery
import PostludeDurable

struct SendQuery: Decodable, Sendable {
    var label: String
    var task: String?
    var count: Int?
    var queue: String?
}

struct Accepted: Encodable, ResponseConvertible {
    var ids: [String]
    func response() throws -> Response { try .json(self, status: .accepted) }
}

/// Sends tasks that other programs run.
func send(_ query: Query<SendQuery>, tasks: BackgroundTasks) throws -> Accepted {
    let query = query.value
    let ids = try (1...(query.count ?? 1)).map { number in
        try tasks.send(
            CeleryTask(query.task ?? "app.echo", query.label, number, keywords: ["nested": ["a": [1.5]]]),
            to: query.queue ?? "python"
        ).id
    }
    return Accepted(ids: ids)
}

/// Adds durable tasks.
func add(_ query: Query<SendQuery>, tasks: BackgroundTasks) throws -> Accepted {
    let query = query.value
    let ids = try (1...(query.count ?? 1)).map { number in
        switch query.task {
        case "Flaky": try tasks.enqueue(Flaky(label: query.label)).id
        case "Slow": try tasks.enqueue(Slow(label: query.label)).id
        case "Left": try tasks.enqueue(Left(label: query.label)).id
        case "Count": try tasks.enqueue(Count(number: number)).id
        case "Note": try tasks.enqueue(Note(label: query.label, number: number)).id
        default: try tasks.enqueue(Echo(label: query.label, number: number)).id
        }
    }
    return Accepted(ids: ids)
}
