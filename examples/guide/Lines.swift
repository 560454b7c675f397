import Postlude
import Synchronization

/// Prints a line like the guide's tasks, and shows it on the open pages.
func print(_ text: String) {
    Swift.print(text)
    lines.add(Line(request: TaskContext.current?.requestID ?? "", text: text, isFailure: false))
}

/// The line that a task has printed.
struct Line: Codable, Sendable {
    /// The id of the task's request.
    var request: String
    var text: String
    /// Whether it says why a task has failed.
    var isFailure: Bool
}

/// The lines of this process's tasks. With several processes, a page would see only one process's lines. To
/// show lines of all processes, use a database or a broker.
final class Lines: Sendable {
    private struct Watchers {
        var streams: [Int: AsyncStream<Line>.Continuation] = [:]
        var next = 0
    }

    private let watchers = Mutex(Watchers())

    func add(_ line: Line) {
        for stream in watchers.withLock({ Array($0.streams.values) }) { stream.yield(line) }
    }

    /// The lines from now on.
    func follow() -> AsyncStream<Line> {
        // A page that does not read gets the newest lines.
        let (stream, continuation) = AsyncStream.makeStream(
            of: Line.self, bufferingPolicy: .bufferingNewest(1_000))
        let number = watchers.withLock { watchers in
            watchers.next += 1
            watchers.streams[watchers.next] = continuation
            return watchers.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.watchers.withLock { $0.streams[number] = nil }
        }
        return stream
    }
}

let lines = Lines()

/// `GET /lines`: the tasks' lines as server-sent events, each as soon as it is printed.
func followLines() -> Response {
    .events(lines.follow().map { try ServerSentEvent(json: $0) })
}

/// Sends a client the id of its request.
struct RequestIDs: Middleware {
    func respond(to request: Request, next: Next) async throws -> Response {
        var response = try await next(request)
        if let name = HTTPField.Name("X-Request-ID") { response.headers[name] = request.id }
        return response
    }
}
