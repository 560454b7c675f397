internal import FoundationEssentials

/// One event of a `text/event-stream` (WHATWG HTML, 9.2).
public struct ServerSentEvent: Sendable, Hashable {
    /// What the client's listener gets; may have several lines.
    public var data: String
    /// The event's type, `message` for the client when nil.
    public var event: String?
    /// What the client sends as `Last-Event-ID` when it connects again; an empty one makes it forget the last.
    public var id: String?
    /// How long the client waits before it connects again, from now on.
    public var retry: Duration?

    /// - Parameters:
    ///   - data: what the client's listener gets; may have several lines.
    ///   - event: a line break in it becomes a space, as in `id`: neither can begin a field of its own.
    ///   - id: what the client sends as `Last-Event-ID` when it connects again.
    ///   - retry: in whole milliseconds on the wire.
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

    /// As it is sent, with the empty line that ends it.
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
        // Each line break that the format knows, CRLF, CR and LF, ends a line of the data.
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

    /// A field is one line; a client ignores an id with NUL.
    private static func append(_ name: String, _ value: some Sequence<UInt8>, to bytes: inout [UInt8]) {
        bytes += name.utf8
        bytes += ": ".utf8
        for byte in value { bytes.append(byte == 0x0a || byte == 0x0d || byte == 0 ? 0x20 : byte) }
        bytes.append(0x0a)
    }
}
