import Glibc
import PostludeSystem
import Testing

@testable import PostludeFastCGI

@Suite("FCGXRequest")
struct FCGXRequestTests {
    /// Both ends of a connection, closed at the end of the test.
    private final class SocketPair {
        let application: Int32
        let server: Int32

        init() throws {
            signal(SIGPIPE, SIG_IGN)
            var ends: [Int32] = [-1, -1]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &ends) == 0 else {
                throw SystemError("socketpair")
            }
            (application, server) = (ends[0], ends[1])
        }

        func received() -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = recv(server, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return Array(bytes.prefix(max(0, count)))
        }

        deinit {
            close(application)
            close(server)
        }
    }

    @Test("writes STDOUT and END_REQUEST to the lent connection and leaves it open")
    func response() throws {
        let pair = try SocketPair()
        let request = try FCGXRequest()
        for _ in 0..<3 {
            try request.begin(1, on: pair.application)
            #expect(Array("hi".utf8).withUnsafeBytes { request.write($0) })
            #expect(request.finish())
            let received = pair.received()
            #expect(received.starts(with: [1, 6, 0, 1, 0, 2]))
            #expect(received.suffix(16).starts(with: [1, 3, 0, 1, 0, 8]))
        }
    }

    @Test("writes records with the request's id", arguments: [1, 2, 255, 256, 0xffff] as [UInt16])
    func id(_ id: UInt16) throws {
        let pair = try SocketPair()
        let request = try FCGXRequest()
        try request.begin(id, on: pair.application)
        #expect(Array("hi".utf8).withUnsafeBytes { request.write($0) })
        #expect(request.finish())
        let bytes = [UInt8(id >> 8), UInt8(truncatingIfNeeded: id)]
        let received = pair.received()
        #expect(received.starts(with: [1, 6] + bytes))
        #expect(received.suffix(16).starts(with: [1, 3] + bytes))
    }

    @Test("writes nothing of an abandoned response, and serves the next request on that connection")
    func abandoned() throws {
        let pair = try SocketPair()
        let request = try FCGXRequest()
        for _ in 0..<3 {
            try request.begin(1, on: pair.application)
            #expect(Array("not wanted".utf8).withUnsafeBytes { request.write($0) })
            request.abandon()
            #expect(pair.received().isEmpty)
            try request.begin(1, on: pair.application)
            #expect(Array("wanted".utf8).withUnsafeBytes { request.write($0) })
            #expect(request.finish())
            let received = String(decoding: pair.received(), as: UTF8.self)
            #expect(received.contains("wanted") && !received.contains("not wanted"))
        }
    }

    @Test("reports that the web server does not read any more, and serves the next connection")
    func writeError() throws {
        let gone = try SocketPair()
        let request = try FCGXRequest()
        try request.begin(1, on: dup(gone.application))
        shutdown(gone.server, Int32(SHUT_RDWR))
        let large = [UInt8](repeating: 1, count: 1 << 20)
        #expect(!large.withUnsafeBytes { request.write($0) })
        #expect(!request.finish())

        let pair = try SocketPair()
        try request.begin(1, on: pair.application)
        #expect(request.finish())
        #expect(pair.received().suffix(16).starts(with: [1, 3, 0, 1]))
    }
}
