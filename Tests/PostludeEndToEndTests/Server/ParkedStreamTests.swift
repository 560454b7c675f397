import Foundation
import Testing

@Suite("Event streams of channels")
struct ParkedStreamTests {
    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /follow, method: GET, handler: follow }
          - { path: /publish, method: GET, handler: publish }
          - { path: /finish, method: GET, handler: finish-channel }
        """

    private static func run(_ settings: String = "", _ body: (Server) throws -> Void) throws {
        let manifest = TestManifest("workers: { min: 1, max: 1 }\n" + settings, routes: routes)
        try Server.run(manifest, body)
    }

    /// Opens a stream, and reads its head.
    private static func follow(_ server: Server, _ query: String = "") throws -> FastCGIPeer {
        let peer = try server.peer()
        try peer.send(RawRequest("GET", "/follow" + query))
        #expect(try read(peer).contains("Content-Type: text/event-stream"))
        return peer
    }

    private static func read(_ peer: FastCGIPeer) throws -> String {
        String(decoding: try #require(try peer.record()).content, as: UTF8.self)
    }

    @Test("Events arrive while the only worker is busy, and its other requests do not wait for streams")
    func busy() throws {
        try Self.run { server in
            let streams = try (0..<10).map { _ in try Self.follow(server) }
            #expect(try server.folder.events(reaches: 10).allSatisfy { $0 == "follow task" })
            let publisher = try server.peer()
            try publisher.send(RawRequest("GET", "/publish?first=1&gate=gate"))
            for stream in streams { #expect(try Self.read(stream) == "id: 1\ndata: event 1\n\n") }
            try server.folder.open(gate: "gate")
            #expect(try publisher.reply().text == "published")
            try server.expectAnswers()
        }
    }

    @Test("A reader that does not read is disconnected, and delays nobody", arguments: [true, false])
    func neverReads(isBehind: Bool) throws {
        try Self.run(isBehind ? "" : "limits: { write-time: 500ms }") { server in
            let slow = try Self.follow(server)
            let stream = try Self.follow(server)
            // The socket's buffer is full before the channel has dropped the first event.
            let count = isBehind ? 400 : 90
            for first in stride(from: 0, to: count, by: 10) {
                #expect(
                    try server.ask(RawRequest("GET", "/publish?first=\(first)&count=10&size=10000")).text
                        == "published")
                for number in first..<(first + 10) {
                    #expect(try Self.read(stream).hasPrefix("id: \(number)\ndata: event \(number) xxx"))
                }
            }
            _ = try server.logLine(holding: "connections failed", "an event stream was not read")
            #expect(slow.isClosed())
            try server.expectAnswers()
        }
    }

    @Test("A stream that is aborted ends, and its connection carries the next request")
    func abort() throws {
        try Self.run { server in
            let stream = try Self.follow(server)
            try stream.send(.abort())
            #expect(try stream.reply().protocolStatus == 0)
            #expect(try stream.ask(RawRequest("GET", "/hello")).text == "hello")
        }
    }

    @Test("What no web server sends closes the connection, and harms nothing")
    func hostile() throws {
        try Self.run { server in
            let other = try Self.follow(server)
            for bytes in [
                RawRequest("GET", "/hello").bytes, RawRequest("GET", "/hello").with { $0.id = 2 }.bytes,
                [UInt8](repeating: 0xff, count: 1000),
                Record(type: Record.endRequest, id: 1, content: []).bytes,
                Array("GET / HTTP/1.1\r\n\r\n".utf8),
            ] {
                let stream = try Self.follow(server)
                try stream.send(bytes)
                #expect(stream.isClosed())
            }
            // In the same write as the request.
            let early = try server.peer()
            try early.send(RawRequest("GET", "/follow").bytes + RawRequest("GET", "/hello").bytes)
            #expect(early.isClosed())
            _ = try server.logLine(holding: "connections failed", "unexpected record")
            #expect(try server.ask(RawRequest("GET", "/publish?first=1")).text == "published")
            #expect(try Self.read(other) == "id: 1\ndata: event 1\n\n")
            try server.expectAnswers()
        }
    }

    @Test("A request with a body has a stream, too, and its connection carries the next request")
    func body() throws {
        let routes = Self.routes.replacing("/follow, method: GET", with: "/follow, methods: [GET, POST]")
        try Server.run(TestManifest("workers: { min: 1, max: 1 }", routes: routes)) { server in
            let request = RawRequest("POST", "/follow").with {
                $0.body = [UInt8](repeating: 7, count: 300_000)
            }
            let stream = try server.peer()
            try stream.send(request)
            #expect(try Self.read(stream).contains("Content-Type: text/event-stream"))
            #expect(try server.ask(RawRequest("GET", "/publish?first=1")).text == "published")
            #expect(try Self.read(stream) == "id: 1\ndata: event 1\n\n")
            #expect(try server.ask(RawRequest("GET", "/finish")).text == "finished")
            #expect(try stream.reply().protocolStatus == 0)
            #expect(try stream.ask(RawRequest("GET", "/hello")).text == "hello")
        }
    }

    @Test("SIGHUP leaves the streams open")
    func reload() throws {
        try Self.run { server in
            let stream = try Self.follow(server)
            try server.reload(
                TestManifest("workers: { min: 1, max: 2 }", routes: Self.routes), in: 1)
            #expect(try server.ask(RawRequest("GET", "/publish?first=1")).text == "published")
            #expect(try Self.read(stream) == "id: 1\ndata: event 1\n\n")
        }
    }

    @Test("A thousand open streams take at most 16 KiB each")
    func memory() throws {
        try Self.run { server in
            var streams = try (0..<100).map { _ in try Self.follow(server) }
            #expect(try server.folder.events(reaches: 100).count == 100)
            let before = try #require(server.kibibytes("VmRSS"))
            streams += try (0..<1000).map { _ in try Self.follow(server) }
            #expect(try server.folder.events(reaches: 1100).count == 1100)
            let after = try #require(server.kibibytes("VmRSS"))
            #expect(after - before <= 16 * 1000, "from \(before) to \(after) KiB")
            #expect(try server.ask(RawRequest("GET", "/publish?first=1")).text == "published")
            for stream in streams { #expect(try Self.read(stream) == "id: 1\ndata: event 1\n\n") }
        }
    }
}
