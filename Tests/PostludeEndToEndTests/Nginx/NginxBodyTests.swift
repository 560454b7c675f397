import PostludeSpawning
import Testing

@Suite("Bodies through nginx")
struct NginxBodyTests {
    private static func endpoint(tcp: Bool) throws -> Endpoint? {
        tcp ? .tcp("127.0.0.1", try FreePort.take()) : nil
    }

    @Test(
        "8 MiB over the limit get 413, over a Unix socket and over TCP, on kept connections and not",
        arguments: [false, true], [false, true])
    func overLimit(tcp: Bool, kept: Bool) throws {
        let body = [UInt8](repeating: 0x61, count: 8 << 20)
        try Server.run(at: Self.endpoint(tcp: tcp)) { server in
            for buffering in [true, false] {
                // More than the site's limit, since otherwise nginx would refuse it.
                try NginxServer.run(to: server, kept: kept, buffering: buffering, body: "64m") { nginx in
                    for round in 1...4 {
                        let reply = try nginx.client().ask(
                            "POST", "/echo", fields: ["Connection: close"], body: body)
                        #expect(reply.status == 413, "round \(round), request buffering \(buffering)")
                        #expect(try nginx.client().ask("GET", "/hello").text == "hello")
                    }
                }
            }
            #expect(server.folder.events("calls").isEmpty)
        }
    }

    @Test("8 MiB within the limit arrive completely", arguments: [false, true], [false, true])
    func withinLimit(tcp: Bool, buffering: Bool) throws {
        let body = (0..<(8 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }
        try Server.run(TestManifest("limits: { body: 16MiB }"), at: Self.endpoint(tcp: tcp)) { server in
            try NginxServer.run(to: server, buffering: buffering) { nginx in
                let reply = try nginx.client().ask("POST", "/echo", body: body)
                #expect(reply.status == 200)
                #expect(reply.text.contains("\(body.count)"))
                #expect(reply.text.contains("\(BodyTests.sum(body))"))
            }
        }
    }

    @Test("A chunked body that nginx passes on unbuffered arrives completely")
    func chunked() throws {
        try Server.run { server in
            try NginxServer.run(to: server, buffering: false) { nginx in
                let client = try nginx.client()
                for _ in 1...3 {
                    try client.send("POST", "/echo", fields: ["Transfer-Encoding: chunked"])
                    for piece in ["one", "two and ", "three"] {
                        try client.socket.write(
                            Array("\(String(piece.utf8.count, radix: 16))\r\n\(piece)\r\n".utf8))
                    }
                    try client.socket.write(Array("0\r\n\r\n".utf8))
                    let reply = try client.reply(to: "POST")
                    #expect(reply.text.contains("\(BodyTests.sum(Array("onetwo and three".utf8)))"))
                }
            }
        }
    }

    @Test("A chunked body over the limit gets 413, and one that stops calls no handler")
    func chunkedFailures() throws {
        try Server.run { server in
            try NginxServer.run(to: server, buffering: false) { nginx in
                let client = try nginx.client()
                try client.send("POST", "/small", fields: ["Transfer-Encoding: chunked"])
                try client.socket.write(Array("2000\r\n".utf8) + [UInt8](repeating: 65, count: 0x2000))
                #expect(try client.reply(to: "POST").status == 413)

                let stopping = try nginx.client()
                try stopping.send("POST", "/echo", fields: ["Transfer-Encoding: chunked"])
                try stopping.socket.write(Array("5\r\nhello\r\n".utf8))
                stopping.socket.close()
                #expect(try nginx.client().ask("GET", "/hello").text == "hello")
                #expect(server.folder.events("calls").isEmpty)
            }
        }
    }
}
