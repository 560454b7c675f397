import Foundation
import Testing

@Suite("Behind lighttpd and Apache", .timeLimit(.minutes(10)))
struct OtherWebServerTests {
    private static let routes =
        TestManifest.allRoutes + """

              - { path: /upload, method: POST, handler: upload }
              - { path: "/area/{rest:path}", method: GET, handler: elsewhere }
            """

    private static func run(
        _ kind: OtherWebServer.Kind, _ body: (Server, OtherWebServer) throws -> Void
    ) throws {
        try Server.run(TestManifest(routes: routes)) { server in
            try OtherWebServer.run(kind, to: server) { try body(server, $0) }
        }
    }

    @Test("Requests, with bodies and without, and their statuses", arguments: OtherWebServer.Kind.allCases)
    func requests(kind: OtherWebServer.Kind) throws {
        try Self.run(kind) { _, web in
            let client = try web.client()
            let hello = try client.ask("GET", "/hello")
            #expect(hello.status == 200 && hello.text == "hello")
            #expect(try client.ask("HEAD", "/hello").status == 200)
            #expect(try client.ask("GET", "/nowhere").status == 404)
            let wrong = try client.ask("POST", "/hello", fields: ["Content-Length: 0"])
            #expect(wrong.status == 405 && wrong.field("Allow")?.contains("GET") == true)
            let answer = try client.ask("GET", "/inspect?a=%20b", fields: ["X-Test: one"])
            #expect(answer.text.contains(#""query":"a=%20b""#) && answer.text.contains(#""x-test":"one""#))
            #expect(answer.text.contains(#""address":"127.0.0.1""#))
            #expect(try client.ask("GET", "/boom").status == 500)
            let large = try web.client().ask("GET", "/large-head?size=6000")
            #expect(large.status == 200 && large.field("Set-Cookie")?.utf8.count == 6000)
        }
    }

    @Test(
        "Bodies arrive completely, and one over the limit is refused", arguments: OtherWebServer.Kind.allCases
    )
    func bodies(kind: OtherWebServer.Kind) throws {
        try Self.run(kind) { server, web in
            let client = try web.client()
            let body = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let echo = try client.ask("POST", "/echo", body: body)
            #expect(echo.status == 200 && echo.text.contains("\(BodyTests.sum(body))"))
            try client.send("POST", "/echo", fields: ["Transfer-Encoding: chunked"])
            try client.socket.write(Array("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n".utf8))
            let chunked = try client.reply(to: "POST")
            #expect(chunked.text.contains("\(BodyTests.sum(Array("hello world".utf8)))"), "\(chunked.text)")
            #expect(server.folder.events("calls").count == 2)
            // Postlude's limit with the application's text, and then the web server's.
            let large = try web.client().ask("POST", "/echo", body: .init(repeating: 1, count: 1_500_000))
            #expect(large.status == 413 && large.text.contains("{"), "\(large.text)")
            #expect(try web.client().ask("GET", "/hello").text == "hello")
            // Apache passes on a part of the body before it counts.
            guard kind == .lighttpd else { return }
            let larger = try web.client().ask(
                "POST", "/echo", fields: ["Content-Length: 3000000", "Connection: close"])
            #expect(larger.status == 413 && !larger.text.contains("{"), "\(larger.text)")
        }
    }

    @Test("A form with a file", arguments: OtherWebServer.Kind.allCases)
    func upload(kind: OtherWebServer.Kind) throws {
        try Self.run(kind) { server, web in
            let file = String(repeating: "0123456789", count: 20_000)
            let body = """
                --edge\r\nContent-Disposition: form-data; name="title"\r\n\r\nA title\r
                --edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n\(file)\r
                --edge--\r\n
                """
            let reply = try web.client().ask(
                "POST", "/upload", fields: ["Content-Type: multipart/form-data; boundary=edge"],
                body: Array(body.utf8))
            #expect(reply.status == 200 && reply.text.contains(#""size":200000"#), "\(reply.text)")
            #expect(try server.folder.events(reaches: 1) == ["200000 bytes"])
        }
    }

    @Test(
        "The client has its response before the task has done anything",
        arguments: OtherWebServer.Kind.allCases)
    func responseBeforeTask(kind: OtherWebServer.Kind) throws {
        try Self.run(kind) { server, web in
            let reply = try web.client().ask("GET", "/steps?gate=go")
            #expect(reply.status == 200 && reply.text == #"{"status":"queued"}"#)
            #expect(server.folder.events().isEmpty)
            // The worker runs its task; the connection, kept or not, waits for nothing.
            #expect(try web.client().ask("GET", "/hello").text == "hello")
            #expect(server.folder.events().isEmpty)
            try server.folder.open(gate: "go")
            #expect(try server.folder.events(reaches: 1) == ["step 1"])
        }
    }

    @Test(
        "Apache keeps its connections to the application, lighttpd does not",
        arguments: OtherWebServer.Kind.allCases)
    func connections(kind: OtherWebServer.Kind) throws {
        try Self.run(kind) { server, web in
            let before = Self.sockets(of: server)
            let client = try web.client()
            for _ in 1...20 { #expect(try client.ask("GET", "/hello").text == "hello") }
            let kept = kind == .apache ? 1 : 0
            try waitUntil("connections are left: \(Self.sockets(of: server) - before)") {
                Self.sockets(of: server) - before == kept
            }
        }
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
        "An encoded slash stays inside its segment, other escapes are decoded",
        arguments: OtherWebServer.Kind.allCases)
    func paths(kind: OtherWebServer.Kind) throws {
        try Self.run(kind) { _, web in
            for (path, routed) in [
                ("/area/a%2Fb", "/area/a%2Fb"), ("/area//a", "/area/a"), ("/area/x/../a", "/area/a"),
                ("/%61rea/a%20b", "/area/a b"), ("/area/100%25", "/area/100%25"),
                ("/area/a%3Fb", "/area/a?b"),
                ("/area/a;b=c", "/area/a;b=c"),
            ] {
                let reply = try web.client().ask("GET", path)
                #expect(reply.status == 200 && reply.text == "elsewhere \(routed)", "\(path): \(reply.text)")
            }
            for path in ["/area/%00", "/area/%zz"] {
                let status = try web.client().ask("GET", path).status
                #expect([400, 404].contains(status), "\(path): \(status)")
            }
        }
    }

    @Test("An absolute target is routed by its path", arguments: OtherWebServer.Kind.allCases)
    func absoluteForm(kind: OtherWebServer.Kind) throws {
        try Self.run(kind) { _, web in
            for (target, routed) in [
                ("http://localhost/area/a", "/area/a"), ("http://localhost/area//%61?x=y", "/area/a"),
            ] {
                let reply = try web.client().ask("GET", target)
                #expect(
                    reply.status == 200 && reply.text == "elsewhere \(routed)", "\(target): \(reply.text)")
            }
        }
    }

    @Test("No disguise of a path gets past the web server's guard", arguments: OtherWebServer.Kind.allCases)
    func guarded(kind: OtherWebServer.Kind) throws {
        try Server.run(LocationTests.manifest) { server in
            try OtherWebServer.run(kind, to: server, guarding: "/admin") { web in
                var served = 0
                var denied = 0
                for path in LocationTests.writtenByHand + LocationTests.composed {
                    guard let reply = try? web.client().ask("GET", path, fields: ["Connection: close"]) else {
                        continue
                    }
                    if reply.status == 200 { served += 1 }
                    if reply.status == 403 { denied += 1 }
                    #expect(!reply.text.hasPrefix("admin "), "\(path)")
                }
                #expect(served > 100 && denied > 100, "\(served) served, \(denied) denied")
            }
        }
    }
}
