import Testing

@Suite("A request's head")
struct HeadTests {
    @Test("A request split at any byte is served like an undivided one")
    func everyBoundary() throws {
        try Server.run { server in
            let request = RawRequest("POST", "/echo").with { $0.body = Array("split me".utf8) }
            let whole = try server.ask(request).text
            let bytes = request.bytes
            let peer = try server.peer()
            for edge in 1..<bytes.count {
                try peer.sendApart(Array(bytes[..<edge]))
                try peer.send(Array(bytes[edge...]))
                #expect(try peer.reply().text == whole, "split at byte \(edge)")
            }
        }
    }

    @Test("A request that arrives byte by byte is served")
    func byteByByte() throws {
        try Server.run { server in
            let peer = try server.peer()
            let request = RawRequest("POST", "/echo").with { $0.body = Array("drip".utf8) }
            for byte in request.bytes { try peer.sendApart([byte]) }
            #expect(try peer.reply().text.contains(#""count":4"#))
        }
    }

    @Test("Padding of any length is skipped", arguments: [1, 7, 8, 255] as [UInt8])
    func padding(length: UInt8) throws {
        try Server.run { server in
            let peer = try server.peer()
            let request = RawRequest("POST", "/echo").with {
                $0.body = Array("padded".utf8)
                $0.padding = length
                $0.stdinPiece = 2
            }
            for _ in 1...3 { #expect(try peer.ask(request).text.contains(#""count":6"#)) }
        }
    }

    @Test("A parameter that spans two PARAMS records is joined")
    func spanningParameter() throws {
        try Server.run { server in
            let request = RawRequest("GET", "/who").with {
                $0.parameters = [("REMOTE_USER", String(repeating: "u", count: 300))]
            }
            let content = Record.params(request.pairs).content
            let peer = try server.peer()
            for edge in stride(from: 1, to: content.count, by: 3) {
                try peer.send(
                    .begin(), Record(type: Record.params, id: 1, content: Array(content[..<edge])),
                    Record(type: Record.params, id: 1, content: Array(content[edge...])), .params([]),
                    .stdin([]))
                #expect(try peer.reply().text == "user=" + String(repeating: "u", count: 300))
            }
        }
    }

    @Test("Lengths near 2^31 and truncated pairs are refused, and the next request is served")
    func wrongLengths() throws {
        let contents: [[UInt8]] = [
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            [0xff, 0xff, 0xff, 0xff, 0, 65],
            [1, 0xff, 0xff, 0xff, 0xff, 65],
            [0x80, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe, 65, 65],
            [127], [10, 10, 65, 66, 67], [0x80, 0], [3, 0x80, 0, 0],
        ]
        try Server.run { server in
            for content in contents {
                let peer = try server.peer()
                try? peer.send(
                    .begin(), Record(type: Record.params, id: 1, content: content), .params([]), .stdin([]))
                if let reply = try? peer.reply() { #expect(reply.status >= 400, "\(content): \(reply.text)") }
                try server.expectAnswers()
            }
            #expect(server.folder.events("calls").isEmpty)
        }
    }

    @Test(
        "A head over its limit is refused without calling its handler",
        arguments: [70_000, 1_000_000, 20_000_000])
    func largeHead(size: Int) throws {
        try Server.run { server in
            let peer = try server.peer()
            let value = String(repeating: "x", count: size)
            let content = Record.params(RawRequest("GET", "/who").pairs + [("HTTP_X", value)]).content
            let pieces = stride(from: 0, to: content.count, by: 60_000).map {
                Record(
                    type: Record.params, id: 1, content: Array(content[$0..<min(content.count, $0 + 60_000)]))
            }
            try? peer.send(.begin())
            try? peer.send(pieces.flatMap(\.bytes))
            try? peer.send(.params([]), .stdin([]))
            if let reply = try? peer.reply() { #expect(reply.status >= 400 || reply.protocolStatus != 0) }
            #expect(server.folder.events("calls").isEmpty)
            try server.expectAnswers()
        }
    }

    @Test(
        "A head within its limit is accepted, even if it is larger than one record",
        arguments: [60_000, 120_000, 960_000])
    func headWithinLimit(size: Int) throws {
        try Server.run(TestManifest("limits: { head: 960KiB }")) { server in
            let value = String(repeating: "x", count: size)
            let content = Record.params(RawRequest("GET", "/hello").pairs + [("HTTP_X", value)]).content
            let pieces = stride(from: 0, to: content.count, by: 60_000).map {
                Record(
                    type: Record.params, id: 1, content: Array(content[$0..<min(content.count, $0 + 60_000)]))
            }
            let peer = try server.peer()
            try peer.send(Record.begin().bytes + pieces.flatMap(\.bytes))
            try peer.send(.params([]), .stdin([]))
            #expect(try peer.reply().text == "hello")
        }
    }

    @Test("A half-sent head is closed after head-time, an idle kept connection is not")
    func headTime() throws {
        try Server.run(TestManifest("limits: { head-time: 300ms }")) { server in
            let kept = try server.peer()
            #expect(try kept.ask(RawRequest("GET", "/hello")).text == "hello")
            let head = RawRequest("GET", "/hello").head
            for count in [1, 8, 20, head.count - 1] {
                let peer = try server.peer()
                let began = ContinuousClock.now
                try peer.send(Array(head.prefix(count)))
                #expect(peer.isClosed(within: .seconds(10)), "\(count) bytes of the head")
                #expect(ContinuousClock.now - began >= .milliseconds(250))
            }
            #expect(try kept.ask(RawRequest("GET", "/hello")).text == "hello")
            try server.expectAnswers()
        }
    }

    @Test("A body that stops is closed after read-time")
    func readTime() throws {
        try Server.run(TestManifest("limits: { read-time: 300ms }")) { server in
            let request = RawRequest("POST", "/echo").with { $0.body = [UInt8](repeating: 1, count: 500) }
            let peer = try server.peer()
            try peer.send(request.head + request.stdin.prefix(100))
            if let reply = try? peer.reply() { #expect(reply.status >= 400) }
            #expect(peer.isClosed(within: .seconds(10)))
            #expect(server.folder.events("calls").isEmpty)
            try server.expectAnswers()
        }
    }

    @Test("A name with an equals sign or a NUL sets no other parameter")
    func trickyNames() throws {
        try Server.run { server in
            let evil: [([UInt8], [UInt8])] = [
                (Array("REMOTE_USER=root".utf8), []), (Array("REMOTE_USER=root\0".utf8), Array("x".utf8)),
                (Array("REMOTE_USER\0X".utf8), Array("root".utf8)),
                (Array("X".utf8), Array("a\0REMOTE_USER=root".utf8)),
            ]
            for pair in evil {
                let pairs = [pair] + RawRequest("GET", "/who").pairs.map { (Array($0.utf8), Array($1.utf8)) }
                let peer = try server.peer()
                try peer.send(
                    .begin(), Record(type: Record.params, id: 1, content: Record.encode(pairs)), .params([]),
                    .stdin([]))
                if let reply = try? peer.reply() {
                    #expect(!reply.text.contains("root"), "\(pair): \(reply.text)")
                }
                try server.expectAnswers()
            }
        }
    }

    @Test("A head without REQUEST_METHOD or REQUEST_URI is refused")
    func missingParameters() throws {
        try Server.run { server in
            for missing in ["REQUEST_METHOD", "REQUEST_URI"] {
                let pairs = RawRequest("GET", "/hello").pairs.filter { $0.0 != missing }
                let peer = try server.peer()
                try peer.send(.begin(), .params(pairs), .params([]), .stdin([]))
                #expect(try peer.reply().status == 400, "without \(missing)")
            }
            let peer = try server.peer()
            try peer.send(.begin(), .params([]), .stdin([]))
            #expect(try peer.reply().status == 400)
            try server.expectAnswers()
        }
    }

    @Test("A client that speaks HTTP learns at once what the socket is, and what to start")
    func http() throws {
        try Server.run { server in
            let socket = try StreamSocket(to: server.endpoint)
            try socket.write("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
            var answer: [UInt8] = []
            while let piece = try socket.read(within: .seconds(15)) { answer += piece }
            let text = String(decoding: answer, as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n") && text.contains("FastCGI"), "\(text)")
            #expect(text.contains("PostludeTestbed nginx"), "\(text)")
            _ = try server.logLine(holding: "connections failed", "an HTTP request on the FastCGI socket")
            try server.expectAnswers()
        }
    }
}
