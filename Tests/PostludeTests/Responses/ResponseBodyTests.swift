import HTTPTypes
import Testing

@testable import Postlude

@Suite("ResponseBody")
struct ResponseBodyTests {
    private struct Failure: Error {}

    private static func numbers(_ count: Int) -> AsyncStream<[UInt8]> {
        AsyncStream { continuation in
            for number in 0..<count { continuation.yield([UInt8(number)]) }
            continuation.finish()
        }
    }

    @Test("bytes are available, and their number is known")
    func bytes() async throws {
        let body = Response(body: [1, 2, 3]).body
        #expect(body.bytes == [1, 2, 3] && body.count == 3)
        #expect(try await body.collect() == [1, 2, 3])
        let literal: ResponseBody = [4]
        #expect(literal.bytes == [4])
        #expect(Response().body.count == 0)
    }

    @Test("a stream has no bytes until it is collected, and its length is unknown")
    func stream() async throws {
        let body = Response.stream(Self.numbers(3)).body
        #expect(body.bytes == nil && body.count == nil)
        #expect(try await body.collect() == [0, 1, 2])
    }

    @Test("pieces of text are UTF-8")
    func text() async throws {
        let words = AsyncStream { continuation in
            continuation.yield("grün"[...])
            continuation.finish()
        }
        let response = Response.stream(words)
        #expect(try await response.body.collect() == Array("grün".utf8))
        #expect(response.contentType == "text/plain; charset=utf-8")
    }

    @Test("collecting ends at the limit")
    func limit() async throws {
        await #expect(throws: ResponseBodyTooLargeError.self) {
            try await Response(body: [1, 2]).body.collect(upTo: 1)
        }
        await #expect(throws: ResponseBodyTooLargeError.self) {
            try await Response.stream(Self.numbers(5)).body.collect(upTo: 4)
        }
        #expect(try await Response.stream(Self.numbers(5)).body.collect(upTo: 5).count == 5)
    }

    @Test("an error of a stream reaches its reader")
    func failure() async throws {
        let failing = Self.numbers(3).map { (piece: [UInt8]) -> [UInt8] in
            if piece == [2] { throw Failure() }
            return piece
        }
        await #expect(throws: Failure.self) { try await Response.stream(failing).body.collect() }
    }

    @Test("a cancelled stream reads at most one more piece")
    func cancellation() async throws {
        let endless = AsyncStream(unfolding: { [UInt8(1)] })
        let task = Task {
            try await Response.stream(endless).body.collect(upTo: .max)
        }
        task.cancel()
        // That it ends at all: the sequence itself never does.
        _ = await task.result
    }

    @Test("nginx passes on each piece at once, unless the application turns that off")
    func buffering() throws {
        let name = try #require(HTTPField.Name("X-Accel-Buffering"))
        #expect(Response.stream(Self.numbers(1)).headers[name] == "no")
        #expect(Response.stream(isBuffered: true, Self.numbers(1)).headers[name] == nil)
        #expect(Response.stream(headers: [name: "yes"], Self.numbers(1)).headers[name] == "yes")
    }
}
