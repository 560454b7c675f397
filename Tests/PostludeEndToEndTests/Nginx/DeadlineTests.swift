import Foundation
import Testing

@Suite("Deadlines of handlers", .timeLimit(.minutes(10)))
struct DeadlineTests {
    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /cooperative, method: GET, handler: until-cancelled }
          - { path: /async, method: GET, handler: until-cancelled-async }
          - { path: /hard, method: GET, handler: hard-to-cancel }
          - { path: /stubborn, methods: [GET, HEAD], handler: stubborn }
          - { path: /patient, method: GET, handler: stubborn, limits: { request-timeout: 1h } }
          - { path: /reading, method: POST, handler: read-slowly, limits: { read-time: 20s } }
          - { path: /stream, method: GET, handler: slow-stream }
        """

    private static func manifest(
        _ limits: String = "request-timeout: 300ms", workers: String = "min: 2, max: 8"
    ) -> TestManifest {
        TestManifest("workers: { \(workers) }\nlimits: { \(limits) }", routes: routes)
    }

    // MARK: Answered 504

    @Test("A handler that checks for it learns that its request is cancelled; the client gets 504 in time")
    func cooperative() throws {
        try Server.run(Self.manifest()) { server in
            try NginxServer.run(to: server) { nginx in
                let client = try nginx.client()
                let start = ContinuousClock.now
                let reply = try client.ask("GET", "/cooperative")
                #expect(reply.status == 504)
                #expect(reply.field("Content-Type") == "application/json")
                #expect(reply.text.hasPrefix(#"{"detail":"Gateway Timeout""#))
                #expect(ContinuousClock.now - start >= .milliseconds(300))
                #expect(try server.folder.events("handlers", reaches: 1) == ["cancelled"])
                #expect(try server.folder.events(reaches: 2) == ["failure", "always"])
                #expect(try client.ask("GET", "/hello").text == "hello")
            }
            let line = try server.logLine(holding: "past limits.request-timeout")
            for part in ["error", "route=/cooperative", "handler=until-cancelled", "request=", "duration="] {
                #expect(line.contains(part), "\(line)")
            }
            #expect(server.log.components(separatedBy: "past limits.request-timeout").count == 2)
            #expect(!server.log.contains("handler failed\""))
        }
    }

    @Test("Async code is cancelled: its awaits throw, and its dependencies are released")
    func asynchronous() throws {
        try Server.run(Self.manifest()) { server in
            #expect(try server.ask(RawRequest("GET", "/async")).status == 504)
            #expect(try server.folder.events("handlers", reaches: 1) == ["CancellationError true true"])
            #expect(try server.folder.events("dependencies", reaches: 2) == ["acquired", "released"])
            #expect(try server.folder.events(reaches: 1) == ["always"])
            try server.expectAnswers()
            #expect(!server.log.contains(" handler failed "))
        }
    }

    @Test("Code that is slow to react to its cancellation delays only itself")
    func hardToCancel() throws {
        try Server.run(Self.manifest(workers: "min: 1, max: 8")) { server in
            #expect(try server.ask(RawRequest("GET", "/hard?gate=go")).status == 504)
            #expect(try server.folder.events("handlers", reaches: 1) == ["cancelling"])
            // The control thread still starts workers, and still answers for them.
            let late = try (1...3).map { _ in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/stubborn?gate=go"))
                return peer
            }
            for peer in late { #expect(try peer.reply().status == 504) }
            try server.expectAnswers()
            try server.folder.open(gate: "go")
        }
    }

    @Test("The connection of a handler that does not stop serves the next client at once")
    func keptConnection() throws {
        try Server.run(Self.manifest()) { server in
            let peer = try server.peer()
            let reply = try peer.ask(RawRequest("GET", "/stubborn?gate=go"))
            #expect(reply.status == 504)
            // The handler still runs.
            #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
            #expect(server.folder.events("handlers") == [])
            try server.folder.open(gate: "go")
            #expect(try server.folder.events("handlers", reaches: 1)[0].hasSuffix("cancelled: true"))
            #expect(try server.folder.events(reaches: 1) == ["always"])
            // The connection carries no part of the late response.
            #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello")
        }
    }

    @Test("The worker whose response was dropped answers its next request completely")
    func nextResponse() throws {
        let workers = "min: 1, max: 1, reserved-for-requests: 0"
        try Server.run(Self.manifest(workers: workers)) { server in
            try NginxServer.run(to: server) { nginx in
                try server.folder.open(gate: "soon")
                for round in 1...3 {
                    #expect(
                        try nginx.client().ask("GET", "/stubborn?gate=go\(round)&name=late").status == 504)
                    try server.folder.open(gate: "go\(round)")
                    let reply = try nginx.client().ask("GET", "/patient?gate=soon&name=next")
                    #expect(reply.status == 200)
                    let lines = Set(reply.text.split(separator: "\n"))
                    #expect(lines.count == 1 && lines.first?.hasPrefix("next ") == true)
                    #expect(reply.text.split(separator: "\n").count == 10_000)
                }
            }
            let threads = Set(server.folder.events("started").map { $0.split(separator: " ")[1] })
            #expect(threads.count == 1)
        }
    }

    @Test("HEAD gets the head alone, and a connection that is not kept is closed")
    func head() throws {
        try Server.run(Self.manifest()) { server in
            let peer = try server.peer()
            let reply = try peer.ask(RawRequest("HEAD", "/stubborn?gate=go").with { $0.keep = false })
            #expect(reply.status == 504)
            #expect(reply.http.body.isEmpty)
            #expect(peer.isClosed())
            try server.folder.open(gate: "go")
            try server.expectAnswers()
        }
    }

    @Test("Each of many clients at once gets its 504, and no connection is lost")
    func many() throws {
        try Server.run(Self.manifest(workers: "min: 4, max: 24")) { server in
            let peers = try (1...16).map { _ in try server.peer() }
            for _ in 1...3 {
                for peer in peers { try peer.send(RawRequest("GET", "/cooperative")) }
                for peer in peers { #expect(try peer.reply().status == 504) }
                for peer in peers { #expect(try peer.ask(RawRequest("GET", "/hello")).text == "hello") }
            }
            #expect(try server.folder.events("handlers", reaches: 48).count == 48)
        }
    }

    @Test("A handler that reads its body from the connection is answered for, and the connection is closed")
    func readingBody() throws {
        try Server.run(Self.manifest()) { server in
            try NginxServer.run(to: server, buffering: false) { nginx in
                let client = try nginx.client()
                try client.send(
                    "POST", "/reading", fields: ["Content-Length: 1000"], body: Array("first".utf8))
                #expect(try client.reply(to: "POST").status == 504)
                let line = try server.folder.events("handlers", reaches: 1)[0]
                #expect(line.hasSuffix("after 5 true"), "\(line)")
                #expect(try nginx.client().ask("GET", "/hello").text == "hello")
            }
            try server.expectAnswers()
        }
    }

    @Test("The time for writing a response does not count as the handler's")
    func stream() throws {
        try Server.run(Self.manifest()) { server in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/stream?gate=go"))
            let first = try #require(try peer.record())
            #expect(String(decoding: first.content, as: UTF8.self).hasSuffix("first "))
            // Another request passes its deadline before this one continues.
            #expect(try server.ask(RawRequest("GET", "/cooperative")).status == 504)
            try server.folder.open(gate: "go")
            #expect(try String(decoding: peer.reply().stdout, as: UTF8.self) == "second")
            #expect(!server.log.contains("route=/stream"))
        }
    }

    // MARK: Slow log

    @Test("The log shows where a slow handler is, with the thread's stack")
    func slowLog() throws {
        try Server.run(Self.manifest("slow-time: 100ms")) { server in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/stubborn?gate=go"))
            let line = try server.logLine(holding: "handler is slow")
            for part in [
                "warning", "route=/stubborn", "handler=stubborn", "request=", "stack=", "turnInCircles",
                "stubborn(query:",
            ] { #expect(line.contains(part), "\(line)") }
            try server.folder.open(gate: "go")
            #expect(try peer.reply().status == 200)
            #expect(server.log.components(separatedBy: "handler is slow").count == 2)
        }
    }

    @Test("For waiting async code, the log says that it waits")
    func suspended() throws {
        try Server.run(Self.manifest("slow-time: 100ms, request-timeout: 400ms")) { server in
            #expect(try server.ask(RawRequest("GET", "/async")).status == 504)
            let line = try server.logLine(holding: "handler is slow")
            #expect(line.contains("suspended (awaiting)"), "\(line)")
        }
    }

    // MARK: Kill time

    @Test(
        "A process whose handler cannot be stopped serves on until the kill time, and ends without waiting for it"
    )
    func killTime() throws {
        let manifest = TestManifest(
            """
            shutdown-grace: 1s
            limits: { request-timeout: 200ms, kill-time: 500ms }
            """,
            routes: """
                  - { path: /hello, method: GET, handler: hello }
                  - { path: /stubborn, method: GET, handler: stubborn }
                """)
        try Server.run(manifest, ending: .any) { server in
            #expect(try server.ask(RawRequest("GET", "/stubborn")).status == 504)
            let line = try server.logLine(holding: "critical", "past limits.kill-time")
            #expect(line.contains("turnInCircles") && line.contains("handler=stubborn"), "\(line)")
            #expect(try server.process.waitForExit() == .status(1))
        }
    }
}
