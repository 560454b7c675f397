import Testing

@Suite("A request's body")
struct BodyTests {
    @Test(
        "A body whose length differs from CONTENT_LENGTH gets 400, and no handler sees it",
        arguments: ["11", "9", "0", "1000000"], ["/echo", "/ignore"])
    func wrongLength(length: String, path: String) throws {
        try Server.run { server in
            let peer = try server.peer()
            let request = RawRequest("POST", path).with {
                $0.body = Array("0123456789".utf8)
                $0.contentLength = length
            }
            #expect(try peer.ask(request).status == 400)
            #expect(server.folder.events("calls").isEmpty)
            try server.expectAnswers()
        }
    }

    @Test(
        "A CONTENT_LENGTH that is not a number gets 400, and no handler sees it",
        arguments: ["abc", "+10", "1e1", "0x0a", "10, 10", " 10", "10 ", "१०"])
    func noNumber(length: String) throws {
        try Server.run { server in
            let request = RawRequest("POST", "/echo").with {
                $0.body = Array("0123456789".utf8)
                $0.contentLength = length
            }
            #expect(try server.ask(request).status == 400)
            #expect(server.folder.events("calls").isEmpty)
            try server.expectAnswers()
        }
    }

    @Test("A CONTENT_LENGTH beyond every integer gets 413, and no handler sees it")
    func hugeNumber() throws {
        try Server.run { server in
            let request = RawRequest("POST", "/echo").with { $0.contentLength = "99999999999999999999999" }
            let reply = try server.ask(request)
            #expect(reply.status == 413 || reply.status == 400)
            #expect(server.folder.events("calls").isEmpty)
            try server.expectAnswers()
        }
    }

    @Test("A peer that disconnects in the middle of a body calls no handler")
    func endOfFile() throws {
        try Server.run { server in
            let request = RawRequest("POST", "/echo").with { $0.body = [UInt8](repeating: 1, count: 5_000) }
            for count in [0, 4, 8, 100, request.stdin.count - 8, request.stdin.count - 1] {
                let peer = try server.peer()
                try peer.send(request.head + request.stdin.prefix(count))
                peer.socket.shutdownWriting()
                if let reply = try? peer.reply() { #expect(reply.status == 400) }
                try server.expectAnswers()
            }
            #expect(server.folder.events("calls").isEmpty)
        }
    }

    @Test("Bodies of every size around the edges of buffers and records arrive completely")
    func sizes() throws {
        try Server.run { server in
            let peer = try server.peer()
            for base in [0, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072] {
                for size in [base - 9, base - 8, base - 1, base, base + 1] where size > 0 {
                    let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
                    let reply = try peer.ask(RawRequest("POST", "/echo").with { $0.body = body })
                    #expect(reply.text.replacing(" ", with: "").contains("\"count\":\(size)"))
                    #expect(reply.text.contains("\(Self.sum(body))"), "\(size) bytes")
                }
            }
        }
    }

    @Test("A body without CONTENT_LENGTH, as nginx sends a chunked one, is read to its end")
    func withoutLength() throws {
        try Server.run { server in
            let request = RawRequest("POST", "/echo").with {
                $0.body = Array("0123456789".utf8)
                $0.contentLength = ""
                $0.stdinPiece = 3
            }
            let reply = try server.ask(request)
            #expect(reply.text.contains(#""count":10"#))
        }
    }

    @Test(
        "A body over its route's limit gets 413 on the socket itself, with a length and without",
        arguments: ["5000", ""])
    func overLimit(length: String) throws {
        try Server.run { server in
            let request = RawRequest("POST", "/small").with {
                $0.body = [UInt8](repeating: 1, count: 5_000)
                $0.contentLength = length
            }
            #expect(try server.ask(request).status == 413)
            #expect(server.folder.events("calls").isEmpty)
            try server.expectAnswers()
        }
    }

    /// The response that the testbed's echo computes.
    static func sum(_ body: [UInt8]) -> Int { body.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xff_ffff } }
}
