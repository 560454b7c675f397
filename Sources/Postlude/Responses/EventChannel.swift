public import HTTPTypes
internal import PostludeFastCGI
internal import PostludeSystem

/// A source of server-sent events for any number of clients, none of which holds a worker.
///
/// ```swift
/// let news = EventChannel()
///
/// Handler("follow-news") { Response.events(from: news) }
///
/// news.publish(ServerSentEvent(data: "hello"))
/// ```
///
/// An event is framed once, and written to all clients by one thread of the process. A client that does not read
/// fast enough never delays `publish`, nor another client.
///
/// The channel keeps its last events. A client that was disconnected sends the id of the last event that it has got, and
/// gets those after it. Each event has an id: its own, or one that the channel gives it.
///
/// A channel is in the memory of one process: it has the clients of this process, and the events that this process
/// publishes (<doc:ServerSentEvents>).
public final class EventChannel: Sendable {
    let events: PublishedEvents

    /// - Parameters:
    ///   - events: the number of events that the channel keeps. It is also the number of events that a client may be behind:
    ///     the stream of one that is further behind is ended.
    ///   - bytes: the size of the events that the channel keeps, which limits their number, too. The last event is always
    ///     kept.
    public init(keeping events: Int = 1000, bytes: Int = 1 << 20) {
        self.events = PublishedEvents(keeping: events, bytes: bytes)
    }

    private init(_ events: PublishedEvents) { self.events = events }

    /// Sends an event to all clients. May be called on any thread; never waits for a client.
    ///
    /// If the event has no id, the channel gives it one. Does nothing after ``finish()``.
    public func publish(_ event: ServerSentEvent) { events.publish(event) }

    /// Sends a value as JSON to all clients, as ``publish(_:)`` does.
    ///
    /// - Parameters:
    ///   - value: the event's data.
    ///   - event: the event's type.
    ///   - id: the event's id; if nil, the channel gives it one.
    /// - Throws: what the value's `encode(to:)` throws. Nothing is sent then.
    public func publish(json value: some Encodable, event: String? = nil, id: String? = nil) throws {
        publish(try ServerSentEvent(json: value, event: event, id: id))
    }

    /// Says where the channel begins, if it passes on the events of a store: after the event with this id.
    ///
    /// Called before the first event is published.
    public func begin(after id: String) { events.begin(after: id) }

    /// Ends the channel: the response of each client ends when it has got all events.
    ///
    /// A browser then connects again, as after any end. If it has got the last event, it is answered 204, after which it
    /// does not connect again.
    public func finish() { events.finish() }
}

extension EventChannel {
    /// A reference to a channel that one response sends, and that ends with the response.
    package struct OfResponse: Sendable {
        private weak var events: PublishedEvents?

        package init(_ channel: EventChannel) { events = channel.events }

        /// The channel; nil when the response has ended.
        package var channel: EventChannel? { events.map { EventChannel($0) } }
    }
}

/// The part of a channel that one response sends.
struct EventSubscription: Sendable {
    let events: PublishedEvents
    /// What is sent with the head.
    private(set) var opening: [UInt8]
    /// The number of the last event that is not sent.
    private(set) var position: Int
    let keepAlive: Duration
    /// Whether the response has events of its own before those of the channel.
    private let hasFirst: Bool

    /// - Parameters:
    ///   - position: the number of the last event that the client does not need.
    ///   - first: events that this client gets before those of the channel; nil if there are none, so that `Last-Event-ID`
    ///     says where to begin.
    init(
        to events: PublishedEvents, after position: Int, keepAlive: Duration, first: [ServerSentEvent]? = nil
    ) {
        self.events = events
        self.keepAlive = keepAlive
        hasFirst = first != nil
        opening = first.map { $0.flatMap(\.bytes) } ?? []
        if let id = first?.last(where: { $0.id != nil })?.id {
            self.position = max(position, events.position(of: id) ?? 0)
        } else {
            self.position = position
            opening += Self.mark(events.lastID(at: position) ?? events.id(of: position))
        }
    }

    /// Continues after the event that a client has got last.
    mutating func resume(after id: String) {
        guard !hasFirst else { return }
        if let known = events.position(of: id) {
            position = known
            opening = Self.mark(id)
        } else {
            position = events.last
            opening = ServerSentEvent(data: "", event: "reset", id: events.id(of: position)).bytes
        }
    }

    /// Whether nothing follows: the channel has ended, and the client has got everything.
    var isOver: Bool { !hasFirst && events.isOver(at: position) }

    /// Sets the id that the client sends when it reconnects, without an event (WHATWG HTML, 9.2.6: a block without data).
    private static func mark(_ id: String) -> [UInt8] {
        // An id of the application's, or a client's, cannot begin another field.
        Array("id: ".utf8) + id.utf8.map { $0 < 0x20 ? 0x20 : $0 } + Array("\n\n".utf8)
    }

    /// Sends the events until the channel ends, for a response that is not written to a connection.
    func send(through write: StreamBody.Write) async throws {
        let (changes, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let listener = StreamListener(continuation)
        events.add(listener)
        defer { events.remove(listener) }
        continuation.yield()
        var position = position
        for await _ in changes {
            var hasMore = true
            while hasMore {
                guard case .pieces(let pieces, let andMore) = events.output(after: position) else { return }
                for piece in pieces { try write(piece.content) }
                position += pieces.count
                hasMore = andMore
            }
        }
        try Task.checkCancellation()
    }
}

/// Passes changes of a channel on to an asynchronous sequence.
private final class StreamListener: OutputListener {
    private let continuation: AsyncStream<Void>.Continuation

    init(_ continuation: AsyncStream<Void>.Continuation) { self.continuation = continuation }

    func outputChanged(of source: any OutputSource) { continuation.yield() }
}

extension ResponseConvertible where Self == Response {
    /// Returns a response with the events of a channel, which holds no worker.
    ///
    /// ```swift
    /// func follow(news: EventChannel) -> Response { .events(from: news) }
    /// ```
    ///
    /// The worker writes the response's head. With that, the request is over for the application: its dependencies are
    /// released, its tasks run, and the worker takes other requests. The connection stays open, and one thread of the process
    /// writes to it, until
    ///
    /// - the client disconnects;
    /// - the channel has ended (``EventChannel/finish()``);
    /// - the client is further behind than the channel's events go back, or has taken nothing for `limits.write-time`;
    /// - the process stops, and no other process continues to serve. Otherwise the connection is handed over to one of them,
    ///   which calls the handler again, with the id of the last event as `Last-Event-ID`, and continues the response.
    ///
    /// A client that connects again with `Last-Event-ID` gets the events after that one. If the channel does not have them any
    /// more, or does not know the id, the client gets an event of the type `reset` without data, and the events from then on:
    /// it should load again what the events are about.
    ///
    /// A process has at most `limits.event-streams` of these responses; a request beyond them is answered 503. No time limit of
    /// a request applies to them.
    ///
    /// - Parameters:
    ///   - channel: the source of the events.
    ///   - replays: whether a client without `Last-Event-ID` gets all events that the channel keeps, and not only those from
    ///     now on.
    ///   - headers: further header fields.
    ///   - keepAlive: the time without an event after which a comment is sent, so that neither nginx
    ///     (`fastcgi_read_timeout`) nor another proxy aborts the response.
    public static func events(
        from channel: EventChannel, replays: Bool = false, headers: HTTPFields = [:],
        keepAlive: Duration = .seconds(15)
    ) -> Response {
        let position = replays ? channel.events.start : channel.events.last
        return events(
            EventSubscription(to: channel.events, after: position, keepAlive: keepAlive), headers)
    }

    /// Returns a response with events that only this client gets, and then those of a channel.
    ///
    /// Otherwise, it works like the function without them. `Last-Event-ID` has no effect on the response:
    /// `first` considers it (``Request/lastEventID``).
    ///
    /// No event of the channel is missed between the two, and none comes twice, if `first` returns no event that follows the
    /// one whose id it gets.
    ///
    /// - Parameters:
    ///   - channel: the source of the other events.
    ///   - headers: further header fields.
    ///   - keepAlive: the time without an event after which a comment is sent.
    ///   - first: called at once, with the id of the channel's last event. Returns the events that this client gets first. Those
    ///     after that id come from the channel. The id is that which the application has given to the event, or to the position
    ///     before the first one (``EventChannel/begin(after:)``); nil if it has given none.
    /// - Throws: what `first` throws.
    public static func events(
        from channel: EventChannel, headers: HTTPFields = [:], keepAlive: Duration = .seconds(15),
        first: (_ last: String?) throws -> [ServerSentEvent]
    ) rethrows -> Response {
        // Before the call, so that an event that is published meanwhile is not missed.
        let (position, id) = channel.events.end
        let subscription = EventSubscription(
            to: channel.events, after: position, keepAlive: keepAlive, first: try first(id))
        return events(subscription, headers)
    }

    private static func events(_ subscription: EventSubscription, _ headers: HTTPFields) -> Response {
        Response(
            contentType: "text/event-stream", headers: headers.forEvents,
            body: .stream(StreamBody(subscription)))
    }
}
