import Foundation
import Testing

@Suite("The guide's programs")
struct GuideExampleTests {
    /// A request, its response, and the lines that its tasks print afterwards.
    struct Row: CustomTestStringConvertible, Sendable {
        var program: String
        var method = "POST"
        var target: String
        var json: String?
        var answer: String
        var lines: [String] = []
        /// The log's line about the task, if it fails.
        var failure: String?

        var testDescription: String { "\(program): \(method) \(target)" }
    }

    private static let rows = [
        Row(
            program: "Basic usage", target: "/send?email=ada@example.org",
            answer: #"{"message":"Email will be sent in the background"}"#,
            lines: ["Sending email to ada@example.org: Welcome to our service!"]),
        Row(
            program: "Adding tasks with arguments", target: "/process/42",
            answer: #"{"status":"accepted","item_id":42}"#,
            lines: ["Processing item 42 with priority high", "Item 42 is processed"]),
        Row(
            program: "Multiple background tasks", target: "/action?user_id=7&action=login",
            answer: #"{"status":"success","action":"login"}"#,
            lines: ["User 7 performed login", "Analytics updated for login", "Notification sent to user 7"]),
        Row(
            program: "Email notifications", target: "/register",
            json: #"{"email":"ada@example.org","name":"Ada"}"#,
            answer: #"{"message":"User Ada registered successfully"}"#,
            lines: ["Sending welcome email to Ada at ada@example.org"]),
        Row(
            program: "File processing", target: "/upload?filename=report.pdf",
            answer: #"{"status":"accepted","message":"File uploaded and processing started"}"#,
            lines: ["Processing file report.pdf", "File report.pdf is processed"]),
        Row(
            program: "Cache warming", target: "/users/7/settings", json: #"{"theme":"dark","sizes":[1,{}]}"#,
            answer: #"{"message":"Settings updated"}"#, lines: ["Warming the cache of user 7"]),
        Row(
            program: "Logging and analytics", method: "GET", target: "/api/data?user_id=7",
            answer: #"{"data":[1,2,3,4,5]}"#, lines: ["User 7 asked for /api/data at "]),
        Row(
            program: "Error handling", target: "/task?data=", answer: #"{"status":"accepted"}"#,
            failure: "the text is empty"),
        Row(
            program: "Error handling", target: "/task?data=report", answer: #"{"status":"accepted"}"#,
            lines: ["Operation done with report"]),
    ]

    /// A client's mistake, and its place in the response.
    private static let mistakes: [(row: Row, location: [String], type: String)] = [
        (Row(program: "Basic usage", target: "/send", answer: ""), ["query", "email"], "missing"),
        (
            Row(program: "Adding tasks with arguments", target: "/process/seven", answer: ""),
            ["path", "item_id"], "int_parsing"
        ),
        (
            Row(program: "Multiple background tasks", target: "/action?user_id=x&action=login", answer: ""),
            ["query", "user_id"], "int_parsing"
        ),
        (
            Row(program: "Email", target: "/register", json: #"{"email":"nobody","name":"Ada"}"#, answer: ""),
            ["body", "email"], "value_error"
        ),
        (Row(program: "File", target: "/upload", answer: ""), ["query", "filename"], "missing"),
        (
            Row(program: "Cache", target: "/users/x/settings", json: "{}", answer: ""),
            ["path", "user_id"], "int_parsing"
        ),
        (Row(program: "Cache", target: "/users/7/settings", json: "[1]", answer: ""), ["body"], "dict_type"),
        (
            Row(program: "Analytics", method: "GET", target: "/api/data", answer: ""),
            ["query", "user_id"], "missing"
        ),
        (Row(program: "Errors", target: "/task", answer: ""), ["query", "data"], "missing"),
    ]

    private struct Refusal: Decodable {
        struct Issue: Decodable {
            var loc: [String]
            var msg: String
            var type: String
        }

        var detail: [Issue]
    }

    private static func ask(_ row: Row, at nginx: NginxServer) throws -> HTTPReply {
        let client = try nginx.client()
        guard let json = row.json else { return try client.ask(row.method, row.target) }
        return try client.ask(row.method, row.target, json: json)
    }

    private static func object(_ text: String) throws -> NSDictionary {
        try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary, "\(text)")
    }

    @Test(
        "Every request of the guide is answered exactly as the guide shows, and its tasks print after the response, in order"
    )
    func answers() throws {
        try Example(name: "guide").run(in: TestFolder()) { server, nginx in
            for row in Self.rows {
                let lines = try GuideLines(from: nginx)
                let reply = try Self.ask(row, at: nginx)
                #expect(reply.status == 200, "\(row.testDescription)")
                #expect(reply.field("content-type") == "application/json")
                #expect(try Self.object(reply.text) == Self.object(row.answer), "\(row.testDescription)")
                let id = try #require(reply.field("x-request-id"))
                for expected in row.lines {
                    let (line, time) = try lines.next(of: id)
                    #expect(line.text.hasPrefix(expected) && !line.isFailure, "\(row.testDescription)")
                    // Two connections carry the response and the lines, so that the lines may overtake the
                    // response.
                    if expected == row.lines.last, row.lines.count == 2 {
                        #expect(
                            time > reply.endedAt + .seconds(1), "\(row.testDescription) waits for its task")
                    }
                }
                if let failure = row.failure {
                    let (line, _) = try lines.next(of: id)
                    #expect(line.isFailure && line.text.contains(failure))
                    _ = try server.logLine(holding: "task failed", failure, id)
                }
            }
        }
    }

    @Test("The README shows each program's file unchanged, in the guide's order")
    func readme() throws {
        let folder = BuildProducts.repository + "/examples/guide/"
        var rest = try String(contentsOfFile: folder + "README.md", encoding: .utf8)[...]
        for name in [
            "BasicUsage", "AddingTasksWithArguments", "MultipleBackgroundTasks", "EmailNotifications",
            "FileProcessing", "CacheWarming", "LoggingAndAnalytics", "ErrorHandling",
        ] {
            let file = try String(contentsOfFile: folder + name + ".swift", encoding: .utf8)
            let place = try #require(rest.firstRange(of: "```swift\n\(file)```"), "\(name).swift")
            rest = rest[place.upperBound...]
        }
    }

    @Test("A client's mistake is answered 422 with its place, and nothing is printed")
    func mistakes() throws {
        try Example(name: "guide").run(in: TestFolder()) { server, nginx in
            for (row, location, type) in Self.mistakes {
                let reply = try Self.ask(row, at: nginx)
                #expect(reply.status == 422, "\(row.testDescription): \(reply.text)")
                let issues = try reply.json(Refusal.self).detail
                #expect(issues.map(\.loc) == [location] && issues.map(\.type) == [type], "\(reply.text)")
                #expect(issues.allSatisfy { !$0.msg.isEmpty })
            }
            #expect(!server.log.contains("task "), "\(server.log)")
        }
    }

    @Test(
        "The response arrives before its task has begun: a client on the same connection does not wait"
    )
    func answerBeforeTask() throws {
        try Example(name: "guide").run(in: TestFolder()) { _, nginx in
            let lines = try GuideLines(from: nginx)
            let client = try nginx.client()
            let first = try client.ask("POST", "/process/1")
            let second = try client.ask("POST", "/task?data=next")
            let end = try lines.next(of: #require(second.field("x-request-id")))
            let id = try #require(first.field("x-request-id"))
            let begin = try lines.next(of: id)
            let done = try lines.next(of: id)
            #expect(begin.line.text == "Processing item 1 with priority high")
            #expect(done.line.text == "Item 1 is processed")
            #expect(second.endedAt < done.time && end.time < done.time)
        }
    }
}

/// The stream of lines that the guide's page follows.
private final class GuideLines {
    struct Line: Decodable {
        var request: String
        var text: String
        var isFailure: Bool
    }

    private let client: HTTPClient
    private var buffer = ""
    private var arrived: [(line: Line, time: ContinuousClock.Instant)] = []

    /// Returns when the stream has begun: the client misses no line from then on.
    init(from nginx: NginxServer) throws {
        client = try nginx.client()
        try client.send("GET", "/lines")
        let end = ContinuousClock.now + .seconds(20)
        while !buffer.contains("\r\n\r\n") { try read(until: end) }
    }

    /// The next line of a request's tasks.
    func next(of request: String) throws -> (line: Line, time: ContinuousClock.Instant) {
        let end = ContinuousClock.now + .seconds(20)
        while true {
            if let index = arrived.firstIndex(where: { $0.line.request == request }) {
                return arrived.remove(at: index)
            }
            try read(until: end)
        }
    }

    private func read(until end: ContinuousClock.Instant) throws {
        guard let piece = try client.socket.read(within: end - .now) else {
            throw TimedOut(description: "the stream of lines has ended")
        }
        buffer += String(decoding: piece, as: UTF8.self)
        while let range = buffer.firstRange(of: #/data: ({.*})\r?\n\r?\n/#) {
            let match = buffer[range]
            let json = match.dropFirst("data: ".count)
            arrived.append((try JSONDecoder().decode(Line.self, from: Data(json.utf8)), .now))
            buffer.removeSubrange(..<range.upperBound)
        }
    }
}
