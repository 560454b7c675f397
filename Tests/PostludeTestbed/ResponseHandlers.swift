import Foundation
import Postlude

// Every kind of response besides JSON and text. Paths are in the test's folder.

@HandlersBuilder
var responseHandlers: Handlers {
    Handler("status", status)
    Handler("redirect", redirect)
    Handler("cookies", cookies)
    Handler("large-head", largeHead)
    Handler("file", file)
    Handler("stored", stored)
    Handler("shrinking", shrinking)
    Handler("pieces", pieces)
    Handler("events", events)
    Handler("silent-events", silentEvents)
    Handler("quiet-events", quietEvents)
}

struct Code: Decodable {
    var code: Int
}

/// A response that claims to have a body, whatever its status.
func status(query: Query<Code>) -> Response {
    .text("body", status: HTTPResponse.Status(code: query.code))
}

struct Target: Decodable {
    var to: String
}

func redirect(query: Query<Target>) -> Response { .redirect(to: query.to) }

func cookies() throws -> Response {
    var response = Response.text("cookies")
    response.setCookie(try Cookie(name: "__Host-session", value: "a1", maxAge: .seconds(60)))
    response.setCookie(try Cookie(name: "theme", value: "dark", isHTTPOnly: false))
    try response.deleteCookie("old")
    return response
}

struct HeadSize: Decodable {
    var size: Int
}

/// A cookie with the given number of bytes, and a task.
func largeHead(query: Query<HeadSize>, tasks: BackgroundTasks) -> Response {
    tasks.add(report, "large head")
    var response = Response.text("large head")
    response.headers[.setCookie] = "a=" + String(repeating: "b", count: query.size - 2)
    return response
}

struct Served: Decodable {
    var path: String
    var download: String?
}

func file(query: Query<Served>, tasks: BackgroundTasks) throws -> Response {
    tasks.add(report, "file \(query.path)")
    var response = try Response.file(query.path, download: query.value.download)
    if let name = HTTPField.Name("X-Own") { response.headers[name] = "yes" }
    return response
}

struct Stored: Decodable {
    var name: String
}

func stored(path: Path<Stored>) throws -> Response { try .file(named: path.name, in: "stored") }

/// The file is truncated after the response was made.
func shrinking(query: Query<Served>) throws -> Response {
    let response = try Response.file(query.path)
    guard truncate(query.path, 100_000) == 0 else { throw HTTPError(.internalServerError) }
    return response
}

struct Pieces: Decodable {
    var count: Int
    /// How many pieces precede an error.
    var fails: Int?
    /// The prefix of the gates' names. Each piece waits for a gate.
    var gate: String?
    /// In bytes.
    var size: Int?
}

struct SourceFailed: Error {
    var secret = "a secret of the source"
}

func pieces(query: Query<Pieces>, tasks: BackgroundTasks) -> Response {
    let wanted = query.value
    tasks.add(report, "pieces task")
    let numbers = AsyncStream { continuation in
        for number in 0..<wanted.count { continuation.yield(number) }
        continuation.finish()
    }
    return .stream(
        contentType: "text/plain",
        numbers.map { number -> String in
            try await Gate.waitAsync(wanted.gate.map { "\($0)\(number)" })
            if number == wanted.fails { throw SourceFailed() }
            EventLog.write("piece \(number)", to: "pieces")
            return String(repeating: "\(number % 10)", count: wanted.size ?? 1)
        })
}

/// One event, then nothing until the client has gone.
func events(request: Request, tasks: BackgroundTasks) -> Response {
    let last = request.lastEventID ?? "none"
    tasks.add(report, "events task")
    return .events(
        AsyncStream { continuation in
            continuation.onTermination = { reason in EventLog.write("events \(reason)") }
            continuation.yield(ServerSentEvent(data: "after \(last)\nsecond line", event: "hello", id: "7"))
        })
}

func silentEvents() -> Response {
    .events(keepAlive: .milliseconds(20), AsyncStream<ServerSentEvent> { _ in })
}

/// Never sends an event, nor a comment in time. The query makes the head longer.
func quietEvents(query: Query<[String: String]>) -> Response {
    .events(
        headers: [.contentDisposition: "x" + (query.value["text"] ?? "")], keepAlive: .seconds(3_600),
        AsyncStream<ServerSentEvent> { _ in })
}
