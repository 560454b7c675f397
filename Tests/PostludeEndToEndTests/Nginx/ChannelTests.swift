import Foundation
import Testing

@Suite("Event streams of channels through nginx")
struct ChannelTests {
    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /follow, method: GET, handler: follow }
          - { path: /publish, method: GET, handler: publish }
          - { path: /finish, method: GET, handler: finish-channel }
        """

    private static func run(
        _ settings: String = "", kept: Bool = true, _ body: (Server, NginxServer) throws -> Void
    ) throws {
        let manifest = TestManifest("workers: { min: 1, max: 1 }\n" + settings, routes: routes)
        try Server.run(manifest) { server in
            try NginxServer.run(to: server, kept: kept) { try body(server, $0) }
        }
    }

    private static func follow(
        _ nginx: NginxServer, _ query: String = "", after last: String? = nil
    ) throws -> ResponseReader {
        let client = ResponseReader(try nginx.client())
        try client.http.send("GET", "/follow" + query, fields: last.map { ["Last-Event-ID: \($0)"] } ?? [])
        try client.read(until: "\r\n\r\n")
        return client
    }

    private static func sockets(of server: Server) -> Int {
        let folder = "/proc/\(server.process.pid)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.count {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)"))?
                .hasPrefix("socket:") == true
        }
    }

    @Test(
        "Many clients follow a server with one worker, and get each event at once", arguments: [true, false])
    func events(kept: Bool) throws {
        try Self.run(kept: kept) { _, nginx in
            let clients = try (0..<20).map { _ in try Self.follow(nginx) }
            let publisher = try nginx.client()
            for number in 1...3 {
                #expect(try publisher.ask("GET", "/publish?first=\(number)").text == "published")
                for client in clients { try client.read(until: "id: \(number)\ndata: event \(number)\n\n") }
            }
            #expect(clients[0].text.contains("Content-Type: text/event-stream"))
            #expect(try publisher.ask("GET", "/finish").text == "finished")
            for client in clients {
                try client.read(until: "\r\n0\r\n\r\n")
                #expect(try client.http.ask("GET", "/hello").text == "hello")
            }
        }
    }

    @Test("When clients have gone, their streams end without a worker or an event", arguments: [true, false])
    func clientsGo(kept: Bool) throws {
        try Self.run(kept: kept) { server, nginx in
            let before = Self.sockets(of: server)
            let clients = try (0..<10).map { _ in try Self.follow(nginx) }
            let publisher = try nginx.client()
            // The only worker is busy.
            try publisher.send("GET", "/publish?gate=gate")
            try clients[9].read(until: "data: event 0\n\n")
            for client in clients.prefix(9) { client.http.socket.close() }
            try waitUntil("nine streams end") { Self.sockets(of: server) - before <= 2 }
            try server.folder.open(gate: "gate")
            #expect(try publisher.reply().text == "published")
            #expect(!server.log.contains("connections failed"))
        }
    }

    @Test("While the channel is silent, comments are sent")
    func comments() throws {
        try Self.run { _, nginx in
            let client = try Self.follow(nginx, "?comments=20")
            try client.read(until: ":\n\n\r\n3\r\n:\n\n")
        }
    }

    @Test("A client that comes again gets what it has missed, or is told that it has missed something")
    func resumption() throws {
        try Self.run { _, nginx in
            let publisher = try nginx.client()
            #expect(try publisher.ask("GET", "/publish?first=1&count=5").text == "published")
            let client = try Self.follow(nginx, after: "3")
            try client.read(until: "id: 5\ndata: event 5\n\n")
            #expect(client.text.contains("id: 3\n\n") && client.text.contains("id: 4\ndata: event 4\n\n"))
            #expect(!client.text.contains("data: event 3") && !client.text.contains("reset"))
            // The channel gives the ids.
            #expect(try publisher.ask("GET", "/publish").text == "published")
            try client.read(until: "data: event 0\n\n")
            let match = try #require(client.text.firstMatch(of: #/id: (\S+)\ndata: event 0\n/#))
            #expect(try publisher.ask("GET", "/publish?first=6").text == "published")
            let again = try Self.follow(nginx, after: String(match.output.1))
            try again.read(until: "id: 6\ndata: event 6\n\n")
            #expect(!again.text.contains("event 0"))
            // The channel keeps 100 events.
            #expect(try publisher.ask("GET", "/publish?first=7&count=200").text == "published")
            let late = try Self.follow(nginx, after: "5")
            try late.read(until: "event: reset\nid: ")
        }
    }

    @Test("A process that ends finishes its streams as complete responses", arguments: [true, false])
    func shutdown(kept: Bool) throws {
        try Self.run(kept: kept) { server, nginx in
            let client = try Self.follow(nginx)
            server.process.send(signal: SIGTERM)
            try client.read(until: "\r\n0\r\n\r\n")
            #expect(try server.process.waitForExit() == .status(0))
        }
    }

    @Test("One stream more than the limit is answered 503")
    func limit() throws {
        try Self.run("limits: { event-streams: 2 }") { server, nginx in
            let clients = try (0..<2).map { _ in try Self.follow(nginx) }
            #expect(try nginx.client().ask("GET", "/follow").status == 503)
            clients[0].http.socket.close()
            try waitUntil("another stream is possible") {
                let client = ResponseReader(try nginx.client())
                try client.http.send("GET", "/follow")
                try client.read(until: "\r\n\r\n")
                return client.text.hasPrefix("HTTP/1.1 200")
            }
            try server.expectAnswers()
        }
    }

    @Test(
        "When processes are replaced, streams go on: no event is missed or doubled, and no client connects again"
    )
    func upgrades() throws {
        let routes = """
              - { path: /hello, method: GET, handler: hello }
              - { path: /add, method: GET, handler: add-line }
              - { path: /follow, method: GET, handler: follow-lines }
            """
        let folder = try TestFolder()
        try folder.write("lines", "")
        let manifest = TestManifest(
            "workers: { min: 1, max: 2 }\nprocesses: { count: 2 }", routes: routes)
        try Server.run(manifest, in: folder, isSupervised: true) { server in
            try waitUntil("both are ready") { server.logCount(of: "a process is ready") == 2 }
            try NginxServer.run(to: server) { nginx in
                let clients = try (0..<20).map { _ in try Self.follow(nginx) }
                let publisher = try nginx.client()
                var count = 0
                for upgrade in 1...3 {
                    let old = Set(server.children)
                    server.process.send(signal: SIGUSR2)
                    try waitUntil("new processes serve alone: \(server.log)") {
                        count += 1
                        let reply = try publisher.ask("GET", "/add?number=\(count)")
                        #expect(reply.text == "added")
                        return server.logCount(of: "a process is ready") >= 2 + 2 * upgrade
                            && old.isDisjoint(with: server.children)
                    }
                }
                let expected = (1...count).map { "id: \($0)\ndata: line \($0)\n\n" }
                for client in clients {
                    try client.read(until: "data: line \(count)\n\n")
                    let events = client.text.matches(of: #/id: \d+\ndata: line \d+\n\n/#)
                    #expect(events.map { String($0.output) } == expected)
                    #expect(!client.text.contains("reset"))
                }
            }
        }
    }

    @Test("A browser gets the events, and does not connect again after the end of the channel")
    func browser() throws {
        try Self.run { server, nginx in
            try Browser.open("http://127.0.0.1:\(nginx.port)/hello") { page in
                try page.run(
                    """
                    window.seen = [];
                    window.source = new EventSource("/follow");
                    source.onmessage = event => seen.push(event.lastEventId + " " + event.data);
                    """)
                #expect(try server.folder.events(reaches: 1) == ["follow task"])
                let publisher = try nginx.client()
                #expect(try publisher.ask("GET", "/publish?first=1").text == "published")
                try page.wait(for: "seen.includes('1 event 1')")
                #expect(try publisher.ask("GET", "/finish").text == "finished")
                // It connects once more, and is answered 204.
                try page.wait(for: "source.readyState === EventSource.CLOSED")
                #expect(server.folder.events() == ["follow task", "follow task"])
            }
        }
    }
}
