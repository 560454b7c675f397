internal import FoundationEssentials
internal import Postlude
internal import PostludeTaskStore

/// A task as `tasks list --json` and `tasks show --json` print it: with the names that `tasks export` has.
struct ListedTask: Encodable {
    private let summary: RecordSummary
    private var payload: JSONValue?
    private var result: JSONValue?

    init(_ summary: RecordSummary) { self.summary = summary }

    init(_ record: Record) {
        summary = record.summary
        payload = Self.value(record.payload)
        result = record.result.map(Self.value)
    }

    /// What is not JSON is text.
    private static func value(_ data: Data) -> JSONValue {
        (try? JSONDecoder().decode(JSONValue.self, from: data))
            ?? .string(String(decoding: data, as: UTF8.self))
    }

    /// A page, and where the next one begins.
    static func text(of page: RecordPage) throws -> String {
        struct Page: Encodable {
            let tasks: [ListedTask]
            let next: Int64?
        }
        return try Self.text(of: Page(tasks: page.records.map(ListedTask.init), next: page.next))
    }

    var text: String { get throws { try Self.text(of: self) } }

    private static func text(of value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private enum Key: String, CodingKey {
        case id, request, route, position, name, priority, state, added, due, expires, unique, attempts,
            started,
            ended,
            queue, error, payload, result
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        func time(_ date: Date?) -> String? {
            date?.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
        try container.encode(summary.id.text, forKey: .id)
        try container.encode(summary.request, forKey: .request)
        try container.encode(summary.route, forKey: .route)
        try container.encode(summary.position, forKey: .position)
        try container.encode(summary.name, forKey: .name)
        try container.encode(summary.priority.description, forKey: .priority)
        try container.encode(summary.state.description, forKey: .state)
        try container.encode(summary.attempts, forKey: .attempts)
        try container.encode(time(summary.added), forKey: .added)
        try container.encode(time(summary.due), forKey: .due)
        try container.encodeIfPresent(time(summary.expires), forKey: .expires)
        try container.encodeIfPresent(time(summary.started), forKey: .started)
        try container.encodeIfPresent(time(summary.ended), forKey: .ended)
        try container.encodeIfPresent(summary.uniqueKey, forKey: .unique)
        try container.encodeIfPresent(summary.queue, forKey: .queue)
        try container.encodeIfPresent(summary.error, forKey: .error)
        try container.encodeIfPresent(payload, forKey: .payload)
        try container.encodeIfPresent(result, forKey: .result)
    }
}
