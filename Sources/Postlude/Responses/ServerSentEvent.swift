internal import FoundationEssentials
public import HTTPTypes
internal import PostludeSystem

/// One event of a `text/event-stream` (WHATWG HTML, 9.2).
public struct ServerSentEvent: Sendable, Hashable {
    /// The data that the client's listener gets; may have several lines.
    public var data: String
    /// The event's type; if nil, it is `message` to the client.
    public var event: String?
    /// The id that the client sends as `Last-Event-ID` when it reconnects; an empty one has it forget the last one.
    public var id: String?
    /// The delay before the client reconnects, from now on.
    public var retry: Duration?

    /// - Parameters:
    ///   - data: the data that the client's listener gets; may have several lines.
    ///   - event: the event's type. A line break in it becomes a space, as in `id`, so that neither can begin another field.
    ///   - id: the id that the client sends as `Last-Event-ID` when it reconnects.
    ///   - retry: the delay before the client reconnects, sent in whole milliseconds.
    public init(data: String, event: String? = nil, id: String? = nil, retry: Duration? = nil) {
        self.data = data
        self.event = event
        self.id = id
        self.retry = retry
    }

    /// An event whose data are a value as JSON, on one line.
    ///
    /// - Throws: what the value's `encode(to:)` throws.
    public init(
        json value: some Encodable, event: String? = nil, id: String? = nil, retry: Duration? = nil
    ) throws {
        let body = try Response.json(value).body.bytes ?? []
        self.init(data: String(decoding: body, as: UTF8.self), event: event, id: id, retry: retry)
    }

    /// The event as it is sent, with the empty line that ends it.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        if let event { Self.append("event", event.utf8, to: &bytes) }
        if let id { Self.append("id", id.utf8, to: &bytes) }
        if let retry {
            let (seconds, attoseconds) = max(.zero, retry).components
            let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
            let whole =
                overflow
                ? .max
                : milliseconds.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
                    .partialValue
            Self.append("retry", String(max(0, whole)).utf8, to: &bytes)
        }
        // Each line break of the format (CRLF, CR, LF) ends a line of the data.
        var line = data.utf8[...]
        while let end = line.firstIndex(where: { $0 == 0x0a || $0 == 0x0d }) {
            Self.append("data", line[..<end], to: &bytes)
            let next = line.index(after: end)
            let isPair = line[end] == 0x0d && next < line.endIndex && line[next] == 0x0a
            line = line[(isPair ? line.index(after: next) : next)...]
        }
        Self.append("data", line, to: &bytes)
        bytes.append(0x0a)
        return bytes
    }

    /// Appends a field, which is one line. NUL becomes a space, too, since a client ignores an id with NUL.
    private static func append(_ name: String, _ value: some Sequence<UInt8>, to bytes: inout [UInt8]) {
        bytes += name.utf8
        bytes += ": ".utf8
        for byte in value { bytes.append(byte == 0x0a || byte == 0x0d || byte == 0 ? 0x20 : byte) }
        bytes.append(0x0a)
    }
}

extension ResponseConvertible where Self == Response {
    /// Returns a response with server-sent events, each of which is sent as soon as it is available.
    ///
    /// ```swift
    /// func follow(request: Request) -> Response {
    ///     .events(news.events(after: request.lastEventID))
    /// }
    /// ```
    ///
    /// If the client disconnects, the task that reads the sequence is cancelled without waiting for the next event: an
    /// `AsyncStream` ends, and its `onTermination` is called. The response occupies its worker until then: `workers.max`
    /// must be larger than the number of clients that listen at once. The events of an ``EventChannel`` occupy none. A process
    /// that stops ends its event streams, and their clients reconnect to the next process.
    ///
    /// - Parameters:
    ///   - headers: further header fields.
    ///   - keepAlive: the time without an event after which a comment is sent, so that neither nginx
    ///     (`fastcgi_read_timeout`) nor another proxy aborts the response.
    ///   - events: the events, which are read once, and not at all for HEAD.
    public static func events<Events: AsyncSequence & Sendable>(
        headers: HTTPFields = [:], keepAlive: Duration = .seconds(15), _ events: Events
    ) -> Response where Events.Element == ServerSentEvent {
        let body = StreamBody(opening: comment, endsAtShutdown: true) { write in
            try await send(events, keepAlive: keepAlive, write)
        }
        return Response(contentType: "text/event-stream", headers: headers.forEvents, body: .stream(body))
    }

    /// A comment, which clients ignore (WHATWG HTML, 9.2.6).
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
            // The one that ends first cancels the other.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

extension HTTPFields {
    /// The fields with those of a stream of events.
    var forEvents: HTTPFields {
        var fields = unbuffered
        if fields[.cacheControl] == nil { fields[.cacheControl] = "no-store" }
        return fields
    }
}

/// The time since which nothing has been written.
private final class Silence: Sendable {
    private let lock = Lock(ContinuousClock.now)

    var start: ContinuousClock.Instant { lock.withLock { $0 } }

    func begin() { lock.withLock { $0 = .now } }
}
