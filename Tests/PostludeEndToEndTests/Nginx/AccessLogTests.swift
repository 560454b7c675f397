import Foundation
import Testing

@Suite("The access log", .timeLimit(.minutes(10)))
struct AccessLogTests {
    private func manifest(_ access: String, more: String = "") -> TestManifest {
        TestManifest("log: { access: \(access)\(more) }\nworkers: { min: 2, max: 8 }")
    }

    private func lines(_ server: Server, _ name: String = "access.log", reach count: Int) throws -> [String] {
        try server.folder.events(name, reaches: count)
    }

    private func object(_ line: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test("A line has the format in the manifest")
    func text() throws {
        let format =
            #"'$remote_addr "$request" $uri $status $body_bytes_sent $route $handler $request_id "$http_user_agent" end'"#
        try Server.run(manifest("{ to: ./access.log, format: \(format) }"), ending: .clean) { server in
            let agent = "a\"b\\c\u{1b}é"
            let request = RawRequest("GET", "//hello?x=1").with {
                $0.parameters = [("REQUEST_ID", "r1"), ("HTTP_USER_AGENT", agent)]
            }
            _ = try server.ask(request)
            let line = try eventually("the request's line") {
                try lines(server, reach: 1).first { $0.contains(" r1 ") }
            }
            #expect(
                line
                    == #"127.0.0.1 "GET //hello?x=1 HTTP/1.1" /hello 200 5 /hello hello r1 "a\x22b\x5Cc\x1B\xC3\xA9" end"#
            )
        }
    }

    @Test("A request with tasks gets its line when the last task has ended, with separate times")
    func tasks() throws {
        try Server.run(manifest("{ to: ./access.log, format: json }")) { server in
            let request = { (uri: String, id: String) in
                RawRequest("GET", uri).with { $0.parameters = [("REQUEST_ID", id)] }
            }
            _ = try server.ask(request("/steps?count=3&gate=go", "slow"))
            _ = try server.folder.events("started", reaches: 1)
            _ = try server.ask(request("/hello", "quick"))
            func line(_ id: String) throws -> [String: Any]? {
                try server.folder.events("access.log").map(object).first {
                    $0["request_id"] as? String == id
                }
            }
            let quick = try eventually("the quick one's line") { try line("quick") }
            #expect(quick["tasks"] as? Int == 0)
            #expect(quick["status"] as? Int == 200)
            #expect(try line("slow") == nil)
            // The tasks take several milliseconds, so that their times show.
            usleep(100_000)
            try server.folder.open(gate: "go")
            let slow = try eventually("the slow one's line") { try line("slow") }
            #expect(slow["tasks"] as? Int == 3)
            #expect(slow["tasks_failed"] as? Int == 0)
            let (time, tasksTime) = (slow["request_time"] as? Double, slow["tasks_time"] as? Double)
            #expect(try #require(tasksTime) >= 0.1)
            #expect(try #require(time) < #require(tasksTime))
        }
    }

    @Test("Failed tasks are counted")
    func failedTasks() throws {
        try Server.run(manifest("{ to: ./access.log, format: '$route $tasks $tasks_failed' }")) { server in
            _ = try server.ask(RawRequest("GET", "/failing"))
            _ = try eventually("the line") {
                server.folder.events("access.log").first { $0 == "/failing 4 2" }
            }
        }
    }

    @Test("Tasks that the end of the process leaves unfinished are logged as left")
    func unfinishedTasks() throws {
        let settings =
            "log: { access: { to: ./access.log, format: '$route $tasks $tasks_left' } }\nshutdown-grace: 1s"
        try Server.run(TestManifest(settings), ending: .any) { server in
            _ = try server.ask(RawRequest("GET", "/steps?count=3&gate=never"))
            _ = try server.folder.events("started", reaches: 1)
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit() == .status(1))
            #expect(server.folder.events("access.log").contains("/steps 0 3"))
        }
    }

    @Test("Requests that no handler answers have a line: no route, no such method, a refused path")
    func errors() throws {
        try Server.run(
            manifest("{ to: ./access.log, format: '$request_method $request_uri $status $route' }")
        ) {
            server in
            for request in [
                RawRequest("GET", "/none"), RawRequest("PUT", "/hello"), RawRequest("GET", "/%00"),
            ] {
                _ = try server.ask(request)
            }
            for line in ["GET /none 404 -", "PUT /hello 405 -", "GET /%00 400 -"] {
                _ = try eventually(line) { server.folder.events("access.log").first { $0 == line } }
            }
        }
    }

    @Test("The byte count is that of the body sent to the web server, also for a large one and for none")
    func bytes() throws {
        try Server.run(manifest("{ to: ./access.log, format: '$request_method $uri $body_bytes_sent' }")) {
            server in
            let reply = try server.ask(RawRequest("GET", "/big"))
            let line = "GET /big \(reply.http.body.count)"
            _ = try eventually(line) { server.folder.events("access.log").first { $0 == line } }
        }
    }

    @Test("An unknown variable is found before the server starts")
    func unknownVariable() throws {
        let folder = try TestFolder()
        try folder.write("routes.yaml", manifest("'$remote_addr $statsu'").text)
        let check = try Command(BuildProducts.testbed, ["check"], in: folder)
        #expect(check.exit == .status(1))
        #expect(check.errors.contains("routes.yaml:1:"))
        #expect(check.errors.contains("unknown variable `$statsu`; did you mean `$status`?"))
    }

    @Test("Without a setting there is no access log")
    func none() throws {
        try Server.run { server in
            _ = try server.ask(RawRequest("GET", "/hello?marked"))
            #expect(!server.log.contains("marked"))
        }
    }

    @Test("USR1 reopens the log files in the middle of requests and tasks")
    func rotation() throws {
        let settings = "log: { to: ./app.log, access: { to: ./access.log, format: '$uri$args' } }"
        try Server.run(TestManifest(settings)) { server in
            let folder = server.folder
            _ = try server.ask(RawRequest("GET", "/steps?gate=go"))
            _ = try folder.events("started", reaches: 1)
            for name in ["app.log", "access.log"] {
                try FileManager.default.moveItem(atPath: folder.file(name), toPath: folder.file(name + ".1"))
            }
            server.process.send(signal: SIGUSR1)
            try waitUntil("the logs are reopened") { folder.text("app.log").contains("logs were reopened") }
            try folder.open(gate: "go")
            try waitUntil("the task's request is in the new file") {
                folder.events("access.log").contains { $0.hasPrefix("/steps") }
            }
            #expect(!folder.text("access.log.1").contains("/steps"))
            try waitUntil("so is the task") { folder.text("app.log").contains("task done") }
        }
    }

    @Test(
        "A request that the gate refuses has its method and target in both logs; -1 is an unknown length"
    )
    func refused() throws {
        let format = #"'"$request" $request_uri $status $request_id'"#
        try Server.run(manifest("{ to: ./access.log, format: \(format) }")) { server in
            func request(_ length: String, _ id: String) -> RawRequest {
                RawRequest("POST", "/echo?x=1").with {
                    $0.body = Array("hello".utf8)
                    $0.contentLength = length
                    $0.parameters = [("REQUEST_ID", id)]
                }
            }
            #expect(try server.ask(request("-1", "r1")).text.contains(#""count":5"#))
            #expect(try server.ask(request("-7", "r2")).status == 400)
            // Each is written after its response, by any worker.
            let lines = try eventually("both requests' lines") {
                let lines = server.folder.events("access.log")
                return [" r1", " r2"].allSatisfy { id in lines.contains { $0.hasSuffix(id) } } ? lines : nil
            }
            #expect(lines.contains(#""POST /echo?x=1 HTTP/1.1" /echo?x=1 200 r1"#), "\(lines)")
            #expect(lines.contains(#""POST /echo?x=1 HTTP/1.1" /echo?x=1 400 r2"#), "\(lines)")
            let line = try server.logLine(holding: "a request was refused", "CONTENT_LENGTH is not a number")
            #expect(
                line.contains("POST") && line.contains("/echo?x=1") && line.contains("-7")
                    && line.contains("r2"))
        }
    }

    @Test("An absolute target, which nginx passes on if it has a query, is routed and logged by its path")
    func absoluteForm() throws {
        let format = #"'"$request" $request_uri $uri'"#
        try Server.run(manifest("{ to: ./access.log, format: \(format) }")) { server in
            try NginxServer.run(to: server) { nginx in
                let target = "http://localhost:\(nginx.port)/inspect?a=b"
                let reply = try nginx.client().ask("GET", target)
                #expect(reply.status == 200 && reply.text.contains(#""query":"a=b""#), "\(reply.text)")
                try waitUntil("its line: \(server.folder.text("access.log"))") {
                    server.folder.events("access.log").contains(
                        #""GET /inspect?a=b HTTP/1.1" /inspect?a=b /inspect"#)
                }
            }
        }
    }
}
