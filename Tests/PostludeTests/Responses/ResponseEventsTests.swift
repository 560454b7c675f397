import HTTPTypes
import PostludeSystem
import Testing

@testable import Postlude

@Suite("Response.events")
struct ResponseEventsTests {
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

    @Test("its fields prevent caching and buffering, and the application's come first")
    func fields() throws {
        let buffering = try #require(HTTPField.Name("X-Accel-Buffering"))
        let plain = Response.events(AsyncStream<ServerSentEvent> { $0.finish() })
        #expect(plain.contentType == "text/event-stream")
        #expect(plain.headers[.cacheControl] == "no-store" && plain.headers[buffering] == "no")
        let own = Response.events(
            headers: [.cacheControl: "no-cache"], AsyncStream<ServerSentEvent> { $0.finish() })
        #expect(own.headers[values: .cacheControl] == ["no-cache"])
        #expect(try stream(plain).opening == Array(":\n\n".utf8) && stream(plain).endsAtShutdown)
    }

    @Test("events are written one by one, and the end of the source is the end")
    func events() async throws {
        let wire = Wire()
        let source = AsyncStream { continuation in
            continuation.yield(ServerSentEvent(data: "1"))
            continuation.yield(ServerSentEvent(data: "2", id: "b"))
            continuation.finish()
        }
        // On a busy machine no comment must come in between.
        try await stream(.events(keepAlive: .seconds(3600), source)).run(wire.write)
        #expect(wire.all == ["data: 1\n\n", "id: b\ndata: 2\n\n"])
    }

    @Test("while the source is silent, comments are written")
    func keepAlive() async throws {
        let wire = Wire()
        let (source, continuation) = AsyncStream.makeStream(of: ServerSentEvent.self)
        let body = try stream(.events(keepAlive: .milliseconds(1), source))
        try await body.run { piece in
            wire.write(piece)
            if wire.all.count == 3 { continuation.finish() }
        }
        #expect(wire.all.count >= 3 && wire.all.allSatisfy { $0 == ":\n\n" })
    }

    @Test("an error of the source ends it")
    func failure() async throws {
        struct Failure: Error {}
        let body = try stream(
            .events(AsyncThrowingStream<ServerSentEvent, any Error> { $0.finish(throwing: Failure()) }))
        await #expect(throws: Failure.self) { try await body.run { _ in } }
    }

    @Test("a failed write ends the source, at the next comment at the latest")
    func writeFailure() async throws {
        struct Failure: Error {}
        let (source, continuation) = AsyncStream.makeStream(of: ServerSentEvent.self)
        let mark = Mark()
        continuation.onTermination = { _ in mark.set() }
        let body = try stream(.events(keepAlive: .milliseconds(1), source))
        await #expect(throws: Failure.self) { try await body.run { _ in throw Failure() } }
        #expect(mark.isSet)
    }

    @Test("if cancelled, it ends without waiting for an event")
    func cancellation() async throws {
        let mark = Mark()
        let source = AsyncStream<ServerSentEvent> { $0.onTermination = { _ in mark.set() } }
        let body = try stream(.events(source))
        let task = Task { try await body.run { _ in } }
        task.cancel()
        _ = await task.result
        #expect(mark.isSet)
    }

    @Test("the client's last id is available")
    func lastEventID() throws {
        var fixture = RequestFixture.get("/")
        #expect(try fixture.request().lastEventID == nil)
        fixture.parameters = [("HTTP_LAST_EVENT_ID", "42")]
        #expect(try fixture.request().lastEventID == "42")
    }

    private final class Mark: Sendable {
        private let value = Lock(false)

        func set() { value.withLock { $0 = true } }
        var isSet: Bool { value.withLock { $0 } }
    }
}
