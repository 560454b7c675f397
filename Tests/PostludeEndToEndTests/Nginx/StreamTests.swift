import Foundation
import Testing

@Suite("Streamed responses")
struct StreamTests {
    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /pieces, method: GET, handler: pieces }
        """

    private static func run(
        _ settings: String = "workers: { min: 1, max: 2 }", kept: Bool = true,
        _ body: (Server, NginxServer) throws -> Void
    ) throws {
        try Server.run(TestManifest(settings, routes: routes)) { server in
            try NginxServer.run(to: server, kept: kept) { try body(server, $0) }
        }
    }

    @Test("Each piece reaches the client before the next one exists", arguments: [true, false])
    func pieceByPiece(kept: Bool) throws {
        try Self.run(kept: kept) { server, nginx in
            let client = ResponseReader(try nginx.client())
            try client.http.send("GET", "/pieces?count=3&gate=gate&size=5")
            for number in 0..<3 {
                #expect(server.folder.events("pieces").count == number)
                try server.folder.open(gate: "gate\(number)")
                try client.read(until: String(repeating: "\(number)", count: 5))
            }
            try client.read(until: "\r\n0\r\n\r\n")
            #expect(client.text.contains("Transfer-Encoding: chunked"))
            #expect(!client.text.lowercased().contains("content-length"))
            #expect(try server.folder.events(reaches: 1) == ["pieces task"])
            // On the same connection.
            #expect(try client.http.ask("GET", "/hello").text == "hello")
        }
    }

    @Test("A stream without pieces is an empty response", arguments: [true, false])
    func empty(kept: Bool) throws {
        try Self.run(kept: kept) { _, nginx in
            let reply = try nginx.client().ask("GET", "/pieces?count=0")
            #expect(reply.status == 200 && reply.body.isEmpty)
        }
    }

    @Test("Many pieces arrive completely and in order")
    func many() throws {
        try Self.run { _, nginx in
            let reply = try nginx.client().ask("GET", "/pieces?count=200&size=10000")
            let expected = (0..<200).map { String(repeating: "\($0 % 10)", count: 10_000) }.joined()
            #expect(reply.text == expected)
        }
    }

    @Test("HEAD reads no piece")
    func head() throws {
        try Self.run { server, nginx in
            let client = try nginx.client()
            let reply = try client.ask("HEAD", "/pieces?count=3")
            #expect(reply.status == 200 && reply.field("Content-Type") == "text/plain")
            #expect(try client.ask("GET", "/hello").text == "hello")
            #expect(!server.folder.exists("pieces"))
        }
    }

    @Test(
        "A stream that fails in the middle is cut off for the client, and the error is only in the log",
        arguments: [true, false])
    func failsInTheMiddle(kept: Bool) throws {
        try Self.run(kept: kept) { server, nginx in
            let client = ResponseReader(try nginx.client())
            try client.http.send("GET", "/pieces?count=5&fails=1&gate=gate")
            try server.folder.open(gate: "gate0")
            try client.read(until: "\r\n0\r\n")
            try server.folder.open(gate: "gate1")
            let end = try client.readToEnd()
            #expect(!end.hasSuffix("\r\n0\r\n\r\n"), "the response looks whole")
            #expect(!end.contains("secret"))
            // If nginx learns of the failure together with the pieces, the client may get no byte at all.
            for size in [1, 100_000] {
                let client = ResponseReader(try nginx.client())
                try client.http.send("GET", "/pieces?count=5&fails=2&size=\(size)")
                #expect(try !client.readToEnd().hasSuffix("\r\n0\r\n\r\n"), "the response looks whole")
            }
            let line = try server.logLine(
                holding: "a response could not be completed", "a secret of the source")
            #expect(line.contains("/pieces"))
            #expect(try nginx.client().ask("GET", "/hello").text == "hello")
            #expect(server.folder.events().isEmpty, "the tasks of a handler that failed ran")
        }
    }

    @Test("Without nginx, too, a failed stream never ends like a complete one", arguments: [true, false])
    func failsWithoutNginx(keep: Bool) throws {
        try Self.run { server, _ in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/pieces?count=5&fails=2").with { $0.keep = keep })
            var types: [UInt8] = []
            while let record = try peer.record(), record.version == 1 { types.append(record.type) }
            #expect(types.allSatisfy { $0 == Record.stdout } && !types.isEmpty)
            #expect(peer.isClosed())
            try server.expectAnswers()
        }
    }

    @Test("A stream that fails before its first piece is answered with 500")
    func failsAtOnce() throws {
        try Self.run { server, nginx in
            let client = try nginx.client()
            let reply = try client.ask("GET", "/pieces?count=5&fails=0")
            #expect(reply.status == 500)
            let answer = try JSONDecoder().decode([String: String].self, from: Data(reply.body))
            #expect(Set(answer.keys) == ["detail", "request_id"])
            _ = try server.logLine(holding: "a secret of the source", answer["request_id"] ?? "none")
            #expect(try client.ask("GET", "/hello").text == "hello")
        }
    }

    @Test("The time to write applies to each piece, not to all of them")
    func longerThanWriteTime() throws {
        try Self.run("workers: { min: 1, max: 1 }\nlimits: { write-time: 200ms }") { server, _ in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/pieces?count=2&gate=gate"))
            try server.folder.open(gate: "gate0")
            #expect(try #require(try peer.record()).type == Record.stdout)
            // Longer than any deadline for the whole.
            usleep(1_000_000)
            try server.folder.open(gate: "gate1")
            let reply = try peer.reply()
            #expect(String(decoding: reply.stdout, as: UTF8.self) == "1")
            #expect(try server.folder.events(reaches: 1) == ["pieces task"])
        }
    }

    @Test("A client that does not read slows the source down, and its connection is closed after write-time")
    func neverReads() throws {
        try Self.run("workers: { min: 1, max: 1 }\nlimits: { write-time: 300ms }") { server, _ in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/pieces?count=1000&size=100000"))
            // The only worker is free again.
            try server.expectAnswers()
            #expect(server.folder.events("pieces").count < 100)
            #expect(peer.isClosed())
        }
    }

    @Test("A waiting source learns at once that its client has gone", arguments: [1, 2])
    func clientGoes(workers: Int) throws {
        try Self.run("workers: { min: \(workers), max: \(workers) }") { server, nginx in
            let client = ResponseReader(try nginx.client())
            try client.http.send("GET", "/pieces?count=2&gate=gate")
            try server.folder.open(gate: "gate0")
            try client.read(until: "\r\n0\r\n")
            client.http.socket.close()
            // The second gate stays closed: only a cancellation ends the wait, and then the task runs.
            #expect(try server.folder.events(reaches: 1) == ["pieces task"])
            #expect(server.folder.events("pieces") == ["piece 0"])
            try server.expectAnswers()
        }
    }
}

/// Reads a response as it arrives.
final class ResponseReader {
    let http: HTTPClient
    private var bytes: [UInt8] = []

    init(_ http: HTTPClient) { self.http = http }

    /// The bytes that have arrived so far.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    func read(until end: String, within limit: Duration = .seconds(15)) throws {
        let deadline = ContinuousClock.now + limit
        while !text.contains(end) {
            guard let piece = try http.socket.read(within: deadline - .now) else {
                throw FastCGIPeer.Closed(description: "closed before \(end), after: \(text)")
            }
            bytes += piece
        }
    }

    /// - Returns: all bytes up to the end of the connection.
    func readToEnd(within limit: Duration = .seconds(15)) throws -> String {
        let deadline = ContinuousClock.now + limit
        while let piece = try http.socket.read(within: deadline - .now) { bytes += piece }
        return text
    }
}
