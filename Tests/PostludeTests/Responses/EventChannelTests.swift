import HTTPTypes
import PostludeFastCGI
import PostludeSystem
import Testing

@testable import Postlude

@Suite("EventChannel")
struct EventChannelTests {
    private final class Wire: Sendable {
        private let pieces = Lock<[String]>([])

        func write(_ piece: [UInt8]) { pieces.withLock { $0.append(String(decoding: piece, as: UTF8.self)) } }
        var all: [String] { pieces.withLock { $0 } }
    }

    private func stream(_ response: Response) throws -> StreamBody {
        guard case .stream(let stream) = response.body else {
            throw RequestFixture.Failure(reason: "no stream")
        }
        return stream
    }

    private func subscription(_ response: Response) throws -> EventSubscription {
        try #require(try stream(response).subscription)
    }

    /// The events that a response sends after its opening, as text.
    private func rest(_ subscription: EventSubscription) -> [String]? {
        guard case .pieces(let pieces, _) = subscription.events.output(after: subscription.position) else {
            return nil
        }
        return pieces.map { String(decoding: $0.content, as: UTF8.self) }
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// The id that the channel gives to an event, or to the position before the first one.
    private func id(_ number: Int, of channel: EventChannel) -> String { channel.events.id(of: number) }

    @Test("its responses' fields prevent caching and buffering, and the application's come first")
    func fields() throws {
        let buffering = try #require(HTTPField.Name("X-Accel-Buffering"))
        let plain = Response.events(from: EventChannel())
        #expect(plain.contentType == "text/event-stream")
        #expect(plain.headers[.cacheControl] == "no-store" && plain.headers[buffering] == "no")
        let own = Response.events(from: EventChannel(), headers: [.cacheControl: "no-cache"])
        #expect(own.headers[values: .cacheControl] == ["no-cache"])
    }

    @Test("a new client gets the events from then on, and first the id at which it has begun")
    func newClient() throws {
        let channel = EventChannel()
        channel.publish(ServerSentEvent(data: "1"))
        let subscription = try subscription(.events(from: channel))
        channel.publish(ServerSentEvent(data: "2"))
        #expect(text(subscription.opening) == "id: \(id(1, of: channel))\n\n")
        #expect(rest(subscription) == ["id: \(id(2, of: channel))\ndata: 2\n\n"])
        let all = try self.subscription(.events(from: channel, replays: true))
        #expect(text(all.opening) == "id: \(id(0, of: channel))\n\n")
        #expect(rest(all)?.count == 2)
    }

    @Test(
        "a client that comes again gets what follows its last event, by the channel's ids and the application's"
    )
    func resumption() throws {
        let channel = EventChannel()
        channel.publish(ServerSentEvent(data: "1"))
        channel.publish(ServerSentEvent(data: "2", id: "b"))
        channel.publish(ServerSentEvent(data: "3", id: "c"))
        channel.publish(ServerSentEvent(data: "4", id: "b"))
        for (last, expected) in [
            (id(0, of: channel), 4), (id(1, of: channel), 3), (id(4, of: channel), 0), ("c", 1), ("b", 0),
        ] {
            var subscription = try subscription(.events(from: channel))
            subscription.resume(after: last)
            #expect(text(subscription.opening) == "id: \(last)\n\n")
            #expect(rest(subscription)?.count == expected, "\(last)")
        }
    }

    @Test("a client whose last event is not known gets `reset`, and the events from then on")
    func reset() throws {
        let channel = EventChannel(keeping: 2)
        for number in 1...4 {
            channel.publish(ServerSentEvent(data: "\(number)", id: number == 1 ? "a" : nil))
        }
        for last in [
            "a", "unknown", id(1, of: channel), id(5, of: channel), id(1, of: EventChannel()), "-1", "x-y-z",
            id(-1, of: channel),
        ] {
            var subscription = try subscription(.events(from: channel, replays: true))
            subscription.resume(after: last)
            #expect(
                text(subscription.opening) == "event: reset\nid: \(id(4, of: channel))\ndata: \n\n", "\(last)"
            )
            #expect(rest(subscription) == [])
        }
        var kept = try subscription(.events(from: channel))
        kept.resume(after: id(2, of: channel))
        #expect(rest(kept)?.count == 2)
    }

    @Test("it keeps the last events, within both limits, and the last one in any case")
    func bounds() {
        let channel = EventChannel(keeping: 3, bytes: 1000)
        for number in 1...5 { channel.publish(ServerSentEvent(data: "\(number)")) }
        #expect(channel.events.start == 2 && channel.events.last == 5)
        channel.publish(ServerSentEvent(data: String(repeating: "x", count: 940)))
        #expect(channel.events.start == 5 && channel.events.last == 6)
        channel.publish(ServerSentEvent(data: String(repeating: "x", count: 5000)))
        #expect(channel.events.start == 6 && channel.events.last == 7)
        guard case .lost = channel.events.output(after: 5) else {
            Issue.record("an event is not kept")
            return
        }
    }

    @Test("output comes in pieces of limited size, and the end last")
    func output() {
        let channel = EventChannel()
        for _ in 0..<3 { channel.publish(ServerSentEvent(data: String(repeating: "x", count: 30_000))) }
        channel.finish()
        channel.publish(ServerSentEvent(data: "too late"))
        guard case .pieces(let first, true) = channel.events.output(after: 0),
            case .pieces(let second, true) = channel.events.output(after: 2),
            case .end = channel.events.output(after: 3)
        else {
            Issue.record("output is missing")
            return
        }
        #expect(first.count == 2 && second.count == 1)
        #expect(channel.events.isOver(at: 3) && !channel.events.isOver(at: 2))
    }

    @Test("events of the response's own come first, and the channel's after the last one of them that it has")
    func first() throws {
        let channel = EventChannel()
        channel.publish(ServerSentEvent(data: "1", id: "1"))
        let response = Response.events(from: channel) { last in
            #expect(last == "1")
            channel.publish(ServerSentEvent(data: "2", id: "2"))
            channel.publish(ServerSentEvent(data: "3", id: "3"))
            return [ServerSentEvent(data: "1", id: "1"), ServerSentEvent(data: "2", id: "2")]
        }
        var subscription = try subscription(response)
        #expect(text(subscription.opening) == "id: 1\ndata: 1\n\nid: 2\ndata: 2\n\n")
        #expect(rest(subscription) == ["id: 3\ndata: 3\n\n"])
        // The caller has considered it.
        subscription.resume(after: "1")
        #expect(rest(subscription)?.count == 1)
        let unknown = try self.subscription(
            .events(from: channel) { _ in
                channel.publish(ServerSentEvent(data: "4"))
                return [ServerSentEvent(data: "x", id: "x")]
            })
        #expect(rest(unknown)?.count == 1)
        #expect(throws: CancellationError.self) {
            try Response.events(from: channel) { _ in throw CancellationError() }
        }
    }

    @Test(
        "a channel that passes on the events of a store knows where it has begun, and what it has dropped last"
    )
    func store() throws {
        let channel = EventChannel(keeping: 1)
        channel.begin(after: "7")
        _ = Response.events(from: channel) { last in
            #expect(last == "7")
            return []
        }
        channel.publish(ServerSentEvent(data: "8", id: "8"))
        channel.publish(ServerSentEvent(data: "9", id: "9"))
        for (position, id) in [(1, "8"), (2, "9")] { #expect(channel.events.lastID(at: position) == id) }
        for (last, expected) in [("8", 1), ("9", 0)] {
            var subscription = try subscription(.events(from: channel))
            #expect(text(subscription.opening) == "id: 9\n\n")
            subscription.resume(after: last)
            #expect(rest(subscription)?.count == expected)
        }
        #expect(channel.events.position(of: "7") == nil)
        channel.publish(ServerSentEvent(data: "x"))
        #expect(channel.events.lastID(at: 3) == id(3, of: channel))
        #expect(EventChannel().events.lastID(at: 0) == nil)
    }

    @Test("values are sent as JSON, and what cannot be encoded is not sent")
    func json() throws {
        struct Broken: Encodable {
            func encode(to encoder: any Encoder) throws { throw CancellationError() }
        }
        let channel = EventChannel()
        try channel.publish(json: ["a": 1], event: "count", id: "7")
        #expect(throws: (any Error).self) { try channel.publish(json: Broken()) }
        let subscription = try subscription(.events(from: channel, replays: true))
        #expect(rest(subscription) == ["event: count\nid: 7\ndata: {\"a\":1}\n\n"])
    }

    @Test("without a connection, the events are written one by one until the channel ends")
    func offline() async throws {
        let wire = Wire()
        let channel = EventChannel()
        channel.publish(ServerSentEvent(data: "1", id: "1"))
        let body = try stream(.events(from: channel, replays: true))
        try await body.run { piece in
            wire.write(piece)
            if wire.all.count == 1 {
                channel.publish(ServerSentEvent(data: "2", id: "2"))
                channel.finish()
            }
        }
        #expect(wire.all == ["id: 1\ndata: 1\n\n", "id: 2\ndata: 2\n\n"])
    }

    @Test("if cancelled, it ends without waiting for an event")
    func cancellation() async throws {
        let body = try stream(.events(from: EventChannel()))
        let task = Task { try await body.run { _ in } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("many threads publish: every event has its number, and none is missing")
    func threads() async throws {
        let channel = EventChannel(keeping: 10_000)
        await withTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    for number in 0..<500 {
                        channel.publish(ServerSentEvent(data: "\(thread) \(number)"))
                    }
                }
            }
        }
        var position = 0
        var events: [String] = []
        while case .pieces(let pieces, _) = channel.events.output(after: position), !pieces.isEmpty {
            events += pieces.map { text($0.content) }
            position += pieces.count
        }
        #expect(events.count == 2000)
        for (index, event) in events.enumerated() {
            #expect(event.hasPrefix("id: \(id(index + 1, of: channel))\n"))
        }
        let published = try events.map { try #require($0.firstMatch(of: #/data: (\d) (\d+)/#)).output }
        for thread in 0..<4 {
            let own = published.filter { $0.1 == "\(thread)" }.compactMap { Int($0.2) }
            #expect(own == Array(0..<500))
        }
    }
}
