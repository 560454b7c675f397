public import HTTPTypes
internal import PostludeSystem

extension ResponseConvertible where Self == Response {
    /// Server-sent events, each sent as soon as it is there.
    ///
    /// ```swift
    /// func follow(request: Request) -> Response {
    ///     .events(news.events(after: request.lastEventID))
    /// }
    /// ```
    ///
    /// When the client has gone, the task that reads the sequence is cancelled without waiting for the next event: an
    /// `AsyncStream` ends, and its `onTermination` is called. The response holds its worker until then: `workers.max`
    /// must be larger than the number of clients that listen at once. A process that is told to end ends its event
    /// streams; their clients connect again, to the next process.
    ///
    /// - Parameters:
    ///   - headers: further header fields.
    ///   - keepAlive: how long the source may be silent before a comment is sent, which keeps nginx's
    ///     `fastcgi_read_timeout` and the proxies on the way from giving the response up.
    ///   - events: read once, and not at all in the answer to HEAD.
    public static func events<Events: AsyncSequence & Sendable>(
        headers: HTTPFields = [:], keepAlive: Duration = .seconds(15), _ events: Events
    ) -> Response where Events.Element == ServerSentEvent {
        var headers = headers.unbuffered
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
        let body = StreamBody(opening: comment, endsAtShutdown: true) { write in
            try await send(events, keepAlive: keepAlive, write)
        }
        return Response(contentType: "text/event-stream", headers: headers, body: .stream(body))
    }

    /// Clients read over it (WHATWG HTML, 9.2.6).
    private static var comment: [UInt8] { Array(":\n\n".utf8) }

    private static func send<Events: AsyncSequence & Sendable>(
        _ events: Events, keepAlive: Duration, _ write: @escaping StreamBody.Write
    ) async throws where Events.Element == ServerSentEvent {
        let silence = Silence()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await event in events {
                    try Task.checkCancellation()
                    try write(event.bytes)
                    silence.begin()
                }
            }
            group.addTask {
                while true {
                    let end = silence.start + keepAlive
                    if end > .now {
                        try await Task.sleep(until: end)
                    } else {
                        try write(comment)
                        silence.begin()
                    }
                }
            }
            // Whichever ends first ends the other.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

/// Since when nothing has been written.
private final class Silence: Sendable {
    private let lock = Lock(ContinuousClock.now)

    var start: ContinuousClock.Instant { lock.withLock { $0 } }

    func begin() { lock.withLock { $0 = .now } }
}
