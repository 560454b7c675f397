import Testing

@Suite("A body's bytes never become a request")
struct SmugglingTests {
    /// Records that a server would answer like a request from root, if it read a body's bytes as records.
    static let evil = RawRequest("GET", "/who").with { $0.parameters = [("REMOTE_USER", "root")] }.bytes

    /// Malicious records one after another from the offset `shift` on, so that one of them meets each
    /// buffer's edge.
    static func body(shift: Int, count: Int) -> [UInt8] {
        var body = [UInt8](repeating: 0x20, count: shift)
        while body.count + evil.count <= count { body += evil }
        return body + [UInt8](repeating: 0x20, count: count - body.count)
    }

    @Test(
        "At any offset, on the socket itself, whether the handler reads the body or not",
        arguments: ["/ignore", "/who", "/nowhere", "/hello", "/small"])
    func onTheSocket(path: String) throws {
        try Server.run { server in
            let peer = Reconnecting(server)
            for shift in 0..<Self.evil.count {
                let request = RawRequest("POST", path).with {
                    $0.body = Self.body(shift: shift, count: 17_000)
                    $0.stdinPiece = 16_384
                }
                let reply = try peer.ask(request)
                #expect(!reply.text.contains("root"), "shift \(shift)")
                #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello", "shift \(shift)")
            }
            #expect(!server.folder.text("calls").contains("root"))
        }
    }

    @Test(
        "Malicious records at the exact edges of libfcgi's buffer of 8,192 bytes",
        arguments: ["/ignore", "/who"])
    func atBufferEdges(path: String) throws {
        try Server.run { server in
            let peer = Reconnecting(server)
            for edge in [8_192, 16_384, 24_576] {
                for before in 0...24 {
                    let start = edge - before
                    // In the body, and counted from the first byte of the whole request.
                    for offset in [start, start - RawRequest("POST", path).head.count - 8] {
                        let body = [UInt8](repeating: 0x20, count: offset) + Self.evil + Self.evil
                        let reply = try peer.ask(RawRequest("POST", path).with { $0.body = body })
                        #expect(!reply.text.contains("root"))
                        #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
                    }
                }
            }
            #expect(!server.folder.text("calls").contains("root"))
        }
    }

    @Test("Through nginx's kept connections", arguments: [true, false])
    func throughNginx(buffering: Bool) throws {
        try Server.run { server in
            try NginxServer.run(to: server, buffering: buffering) { nginx in
                let client = try nginx.client()
                for shift in stride(from: 0, to: Self.evil.count, by: 3) {
                    let reply = try client.ask(
                        "POST", "/ignore", body: Self.body(shift: shift, count: 17_000))
                    #expect(reply.text == "ignored", "shift \(shift)")
                    #expect(try client.ask("GET", "/hello").text == "hello", "shift \(shift)")
                }
            }
            #expect(!server.folder.text("calls").contains("root"))
        }
    }

    @Test("Nor do bytes after a body longer than CONTENT_LENGTH")
    func afterWrongLength() throws {
        try Server.run { server in
            for length in ["0", "10", ""] {
                let request = RawRequest("POST", "/ignore").with {
                    $0.body = [UInt8](repeating: 0x20, count: 10) + Self.evil
                    $0.contentLength = length
                }
                let peer = try server.peer()
                try peer.send(request.bytes + RawRequest("GET", "/hello").bytes)
                var texts: [String] = []
                while let reply = try? peer.reply(within: .seconds(2)) {
                    texts.append(reply.text)
                    if reply.text == "hello" { break }
                }
                #expect(!texts.contains { $0.contains("root") })
            }
            #expect(!server.folder.text("calls").contains("root"))
        }
    }

    /// Uses one connection for as long as the server keeps it, and then reconnects.
    final class Reconnecting {
        private let server: Server
        private var peer: FastCGIPeer?

        init(_ server: Server) { self.server = server }

        func ask(_ request: RawRequest) throws -> FastCGIReply {
            if let peer, let reply = try? peer.ask(request) { return reply }
            let fresh = try server.peer()
            peer = fresh
            return try fresh.ask(request)
        }
    }
}
