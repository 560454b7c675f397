import Foundation
import Testing

@Suite("Server-sent events through nginx")
struct EventTests {
    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /events, method: GET, handler: events }
          - { path: /silent-events, method: GET, handler: silent-events }
          - { path: /quiet-events, method: GET, handler: quiet-events }
        """

    private static func run(
        workers: Int = 2, kept: Bool = true, _ body: (Server, NginxServer) throws -> Void
    ) throws {
        let manifest = TestManifest("workers: { min: \(workers), max: \(workers) }", routes: routes)
        try Server.run(manifest) { server in
            try NginxServer.run(to: server, kept: kept) { try body(server, $0) }
        }
    }

    /// A real client, which a signal ends.
    private static func curl(_ url: String, _ options: String..., in folder: TestFolder) throws
        -> ChildProcess
    {
        try ChildProcess(
            "curl", ["-sNi"] + options + [url], output: folder.file("curl.out"),
            errors: folder.file("curl.out"))
    }

    @Test(
        "When its client is ended, the source ends without waiting for another event",
        arguments: [1, 2], [true, false])
    func clientGoes(workers: Int, kept: Bool) throws {
        try Self.run(workers: workers, kept: kept) { server, nginx in
            let folder = server.folder
            let curl = try Self.curl(
                "http://127.0.0.1:\(nginx.port)/events", "-H", "Last-Event-ID: 6", in: folder)
            let event = "event: hello\nid: 7\ndata: after 6\ndata: second line\n\n"
            try waitUntil("the first event arrives") { folder.text("curl.out").contains(event) }
            #expect(folder.text("curl.out").contains("Content-Type: text/event-stream"))
            #expect(folder.text("curl.out").contains("Cache-Control: no-store"))
            #expect(folder.events().isEmpty)
            curl.send(signal: SIGTERM)
            #expect(try folder.events(reaches: 2) == ["events cancelled", "events task"])
            try server.expectAnswers()
        }
    }

    @Test("The head arrives before the first event, however long the head is", arguments: 0..<8)
    func headAtOnce(length: Int) throws {
        try Self.run { _, nginx in
            let client = ResponseReader(try nginx.client())
            try client.http.send("GET", "/quiet-events?text=\(String(repeating: "x", count: length))")
            try client.read(until: "\r\n\r\n")
        }
    }

    @Test("While the source is silent, comments are sent")
    func keepAlive() throws {
        try Self.run { server, nginx in
            let client = ResponseReader(try nginx.client())
            try client.http.send("GET", "/silent-events")
            try client.read(until: ":\n\n\r\n3\r\n:\n\n")
            client.http.socket.close()
            try server.expectAnswers()
        }
    }

    @Test(
        "A process that ends finishes its event streams as complete responses", arguments: [true, false])
    func shutdown(kept: Bool) throws {
        try Self.run(kept: kept) { server, nginx in
            let client = ResponseReader(try nginx.client())
            try client.http.send("GET", "/events")
            try client.read(until: "second line")
            server.process.send(signal: SIGTERM)
            try client.read(until: "\r\n0\r\n\r\n")
            #expect(try server.process.waitForExit() == .status(0))
            #expect(server.folder.events() == ["events cancelled", "events task"])
        }
    }

    @Test("HEAD gets the fields, and the source is not read")
    func head() throws {
        try Self.run { server, nginx in
            let reply = try nginx.client().ask("HEAD", "/events")
            #expect(reply.status == 200 && reply.field("Content-Type") == "text/event-stream")
            #expect(Set(try server.folder.events(reaches: 2)) == ["events cancelled", "events task"])
        }
    }
}
