import Foundation
import Testing

@Suite("More requests than workers", .timeLimit(.minutes(10)))
struct OverloadTests {
    private static let refusing = TestManifest(
        """
        workers: { min: 1, max: 2, reserved-for-requests: 0 }
        overload: { when-busy: refuse, wait: 200ms, retry-after: 7s }
        log: { access: { to: ./access.log, format: '$request_method $status $body_bytes_sent $request_time' } }
        """)

    /// Occupies every worker of the manifest with a request of its own.
    private func hold(_ server: Server, workers: Int = 2) throws -> [FastCGIPeer] {
        let peers = try (0..<workers).map { number in
            let peer = try server.peer()
            try peer.send(RawRequest("GET", "/slow?gate=go&name=\(number)"))
            return peer
        }
        _ = try server.folder.events(reaches: workers)
        return peers
    }

    @Test(
        "with refuse, a request that waits too long gets 503 and Retry-After, on a connection that is kept"
    )
    func refuses() throws {
        try Server.run(Self.refusing) { server in
            let busy = try hold(server)
            let kept = try server.peer()
            for method in ["GET", "HEAD"] {
                let sent = ContinuousClock.now
                let reply = try kept.ask(RawRequest(method, "/hello"), within: .seconds(10))
                #expect(reply.status == 503)
                #expect(reply.http.field("Retry-After") == "7")
                #expect(reply.protocolStatus == FastCGIReply.requestComplete)
                #expect(reply.text == (method == "HEAD" ? "" : #"{"detail":"Service Unavailable"}"#))
                #expect(reply.endedAt - sent >= .milliseconds(200))
            }
            let closed = try server.peer()
            #expect(try closed.ask(RawRequest("GET", "/hello").with { $0.keep = false }).status == 503)
            #expect(closed.isClosed())
            _ = try server.logLine(holding: "refused with 503")
            let lines = try server.folder.events("access.log", reaches: 3)
            for start in ["GET 503 32 ", "HEAD 503 0 "] {
                #expect(lines.contains { $0.hasPrefix(start) && !$0.hasSuffix("0.000") }, "\(lines)")
            }
            try server.folder.open(gate: "go")
            for peer in busy { #expect(try peer.reply().text == "slow") }
            #expect(try kept.ask(RawRequest("GET", "/hello")).text == "hello")
        }
    }

    @Test("with refuse, a worker that is free in time serves the waiting requests in their order")
    func servesInTime() throws {
        let manifest = TestManifest(
            """
            workers: { min: 1, max: 1, reserved-for-requests: 0 }
            overload: { when-busy: refuse, wait: 20s }
            """)
        try Server.run(manifest) { server in
            let busy = try hold(server, workers: 1)
            let waiting = try (0..<5).map { number in
                let peer = try server.peer()
                try peer.sendApart(RawRequest("GET", "/tagged?tag=\(number)").bytes)
                return peer
            }
            try server.folder.open(gate: "go")
            #expect(try busy[0].reply().text == "slow")
            let replies = try waiting.map { try $0.reply() }
            #expect(replies.map(\.text) == ["0", "1", "2", "3", "4"])
            #expect(replies.map(\.endedAt) == replies.map(\.endedAt).sorted())
        }
    }

    @Test("with refuse, tasks that occupy every worker count as well")
    func tasks() throws {
        try Server.run(Self.refusing) { server in
            for number in 1...2 { _ = try server.ask(RawRequest("GET", "/steps?gate=go&label=r\(number)")) }
            _ = try server.folder.events("started", reaches: 2)
            #expect(try server.ask(RawRequest("GET", "/hello")).status == 503)
            try server.folder.open(gate: "go")
            _ = try eventually("a worker is free again") {
                try server.ask(RawRequest("GET", "/hello")).status == 200 ? () : nil
            }
        }
    }

    @Test("with wait, a request waits for a worker without limit, also past the time for a head")
    func waits() throws {
        let manifest = TestManifest(
            "workers: { min: 1, max: 1, reserved-for-requests: 0 }\nlimits: { head-time: 300ms }")
        try Server.run(manifest) { server in
            let busy = try hold(server, workers: 1)
            let kept = try server.peer()
            try kept.send(RawRequest("GET", "/hello"))
            #expect(throws: (any Error).self) { try kept.reply(within: .milliseconds(1500)) }
            try server.folder.open(gate: "go")
            #expect(try busy[0].reply().text == "slow")
            #expect(try kept.reply().text == "hello")
        }
    }

    @Test("through nginx, clients of a busy server get 503 and no 502, and nginx keeps its connections")
    func throughNginx() throws {
        try Server.run(Self.refusing) { server in
            try NginxServer.run(to: server) { nginx in
                let busy = try hold(server)
                for _ in 0..<3 {
                    let clients = try (0..<20).map { _ in try nginx.client() }
                    for (number, client) in clients.enumerated() {
                        let body = [UInt8](repeating: 0x61, count: number * 1000)
                        try client.send(
                            number.isMultiple(of: 2) ? "GET" : "POST",
                            number.isMultiple(of: 2) ? "/hello" : "/echo",
                            body: number.isMultiple(of: 2) ? [] : body)
                    }
                    for client in clients {
                        let reply = try client.reply()
                        #expect(reply.status == 503)
                        #expect(reply.field("Retry-After") == "7")
                    }
                }
                try server.folder.open(gate: "go")
                for peer in busy { #expect(try peer.reply().text == "slow") }
                #expect(try nginx.client().ask("GET", "/hello").text == "hello")
            }
        }
    }

    @Test("a body whose rest does not arrive is answered 408 after read-time")
    func lateBody() throws {
        try Server.run(TestManifest("limits: { read-time: 300ms }")) { server in
            let peer = try server.peer()
            let request = RawRequest("POST", "/echo").with { $0.body = Array("0123456789".utf8) }
            try peer.send(Array(request.bytes.dropLast(12)))
            let reply = try peer.reply()
            #expect(reply.status == 408)
            #expect(reply.text == #"{"detail":"Request Timeout"}"#)
            #expect(peer.isClosed())
            try server.expectAnswers()
        }
    }

    @Test("half a body does not delay the shutdown, which still succeeds")
    func shutdownWithHalfBody() throws {
        let manifest = TestManifest("shutdown-grace: 4s")
        try Server.run(manifest) { server in
            let peer = try server.peer()
            let request = RawRequest("POST", "/echo").with { $0.body = Array("0123456789".utf8) }
            try peer.sendApart(Array(request.bytes.dropLast(12)))
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit(within: .seconds(10)) == .status(0))
            #expect(try peer.reply().status == 503)
        }
    }
}
