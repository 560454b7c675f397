import Foundation
import PostludeSpawning
import Testing

@Suite("The status pages", .timeLimit(.minutes(10)))
struct StatusTests {
    /// A server with two workers and a status socket of its own.
    ///
    /// - Parameter problems: the thresholds of problems.
    static func run(
        _ settings: String = "workers: { min: 2, max: 2, reserved-for-requests: 0 }",
        problems: String = "{}", isSupervised: Bool = false, ending: Server.Ending = .clean,
        _ body: (Server, Endpoint) throws -> Void
    ) throws {
        let folder = try TestFolder()
        let status = Endpoint.unix(folder.file("status.socket"))
        try Server.run(
            TestManifest("\(settings)\nstatus: { listen: \(status), problems: \(problems) }"), in: folder,
            isSupervised: isSupervised,
            ending: ending
        ) { server in
            // nginx's worker runs as another user.
            guard chmod("\(status)", 0o666) == 0 else { throw SystemCallError("chmod") }
            try body(server, status)
        }
    }

    static func get(_ target: String, at endpoint: Endpoint) throws -> FastCGIReply {
        try FastCGIPeer(endpoint).ask(RawRequest("GET", target))
    }

    /// The report, as a client without Postlude's types reads it.
    static func report(at endpoint: Endpoint) throws -> [String: Any] {
        let reply = try get("/status.json", at: endpoint)
        let object = try JSONSerialization.jsonObject(with: Data(reply.text.utf8))
        return try #require(object as? [String: Any], "\(reply.text)")
    }

    static func workers(in report: [String: Any]) throws -> [[String: Any]] {
        let processes = try #require(report["processes"] as? [[String: Any]])
        return processes.flatMap { $0["workers"] as? [[String: Any]] ?? [] }
    }

    @Test("If every worker is busy, the pages answer, and show what each worker is doing")
    func busy() throws {
        try Self.run { server, status in
            let peers = try (1...2).map { number in
                let peer = try server.peer()
                try peer.send(
                    RawRequest("GET", "/slow?gate=go&name=\(number)").with {
                        $0.parameters = [("REQUEST_ID", "r-\(number)")]
                    })
                return peer
            }
            _ = try server.folder.events(reaches: 2)
            let waiting = try server.peer()
            try waiting.send(RawRequest("GET", "/hello"))

            #expect(try Self.get("/ping", at: status).text == "pong")
            let report = try Self.report(at: status)
            #expect(report["active workers"] as? Int == 2 && report["idle workers"] as? Int == 0)
            #expect(report["max active workers"] as? Int == 2 && report["total workers"] as? Int == 2)
            let workers = try Self.workers(in: report)
            #expect(Set(workers.compactMap { $0["request id"] as? String }) == ["r-1", "r-2"])
            for worker in workers {
                #expect(worker["state"] as? String == "handling" && worker["handler"] as? String == "slow")
                #expect(worker["request method"] as? String == "GET" && worker["route"] as? String == "/slow")
                #expect((worker["request uri"] as? String)?.hasPrefix("/slow?gate=go&name=") == true)
            }
            // The third request waits in the kernel's queue or in the poller; the control thread has seen it.
            try waitUntil("a request that waits is counted") {
                try Self.report(at: status)["max children reached"] as? Int == 1
            }
            try server.folder.open(gate: "go")
            for peer in peers { #expect(try peer.reply().text == "slow") }
            #expect(try waiting.reply().text == "hello")
            try waitUntil("all are idle, and counted") {
                let report = try Self.report(at: status)
                return report["active workers"] as? Int == 0 && report["accepted conn"] as? Int ?? 0 >= 3
            }
        }
    }

    @Test("Every response is counted once, with its time, its route and its class of status code")
    func answers() throws {
        let settings = """
            workers: { min: 2, max: 2, reserved-for-requests: 0 }
            limits: { request-timeout: 300ms, read-time: 200ms }
            overload: { when-busy: refuse, wait: 100ms }
            """
        try Self.run(settings) { server, status in
            // The request that has shown that the server runs.
            try waitUntil("it is counted") { try Self.report(at: status)["accepted conn"] as? Int == 1 }
            func ask(_ request: RawRequest, expecting status: Int) throws {
                #expect(try server.ask(request).status == status, "\(request.uri)")
            }
            try ask(RawRequest("GET", "/hello"), expecting: 200)
            try ask(RawRequest("GET", "/nowhere"), expecting: 404)
            try ask(RawRequest("DELETE", "/hello"), expecting: 405)
            try ask(RawRequest("GET", "/%FF"), expecting: 400)
            try ask(RawRequest("GET", "/boom"), expecting: 500)
            try ask(
                RawRequest("POST", "/small").with { $0.body = [UInt8](repeating: 0, count: 5000) },
                expecting: 413)
            let late = try server.peer()
            try late.send(RawRequest("POST", "/echo").with { $0.contentLength = "10" }.head)
            #expect(try late.reply().status == 408)
            // Their handlers continue, and occupy both workers.
            let slow = try (1...2).map { _ in
                let peer = try server.peer()
                try peer.send(RawRequest("GET", "/slow?gate=go"))
                return peer
            }
            for peer in slow { #expect(try peer.reply().status == 504) }
            try ask(RawRequest("GET", "/hello"), expecting: 503)

            try waitUntil("all are counted") {
                let report = try Self.report(at: status)
                return report["accepted conn"] as? Int == 11 && report["refused requests"] as? Int == 3
            }
            let report = try Self.report(at: status)
            #expect(report["timed out requests"] as? Int == 2)
            let duration = try #require(report["request duration"] as? [String: Any])
            #expect(duration["count"] as? Int == 11)
            #expect(duration["sum"] as? Double ?? 0 >= 2 * 0.3 + 0.2 + 0.1)
            #expect(duration["p99"] as? Double ?? 0 >= 0.25)
            #expect(
                report["responses"] as? [String: Int]
                    == ["1xx": 0, "2xx": 2, "3xx": 0, "4xx": 5, "5xx": 4])
            let routes = try #require(report["routes"] as? [[String: Any]])
            let errors = routes.compactMap { route -> String? in
                guard let name = route["route"] as? String, let counts = route["responses"] as? [String: Int]
                else { return nil }
                return "\(name) \(counts["4xx"] ?? 0) \(counts["5xx"] ?? 0)"
            }
            #expect(
                Set(errors) == [
                    "/hello 0 1", "none 3 0", "/boom 0 1", "/small 1 0", "/echo 1 0", "/slow 0 2",
                ])

            // The late handlers' results are not responses.
            try server.folder.open(gate: "go")
            try waitUntil("they have returned") { try Self.report(at: status)["active workers"] as? Int == 0 }
            #expect(try Self.report(at: status)["accepted conn"] as? Int == 11)
            let metrics = try Self.get("/metrics", at: status).text
            for line in [
                "postlude_requests_total 11", "postlude_request_duration_seconds_count 11",
                #"postlude_responses_total{route="/slow",class="5xx"} 2"#,
            ] { #expect(metrics.contains(line + "\n"), "\(metrics)") }
        }
    }

    @Test("The response for a handler that never returns is counted, also if its process is replaced")
    func killed() throws {
        let settings = """
            workers: { min: 2, max: 2, reserved-for-requests: 0 }
            limits: { request-timeout: 200ms, kill-time: 400ms }
            shutdown-grace: 1s
            """
        try Self.run(settings, isSupervised: true) { server, status in
            try waitUntil("the first request is counted") {
                try Self.report(at: status)["accepted conn"] as? Int == 1
            }
            #expect(try server.ask(RawRequest("GET", "/slow?gate=never")).status == 504)
            try waitUntil("the process is replaced") {
                try Self.report(at: status)["replaced processes"] as? Int == 1
            }
            let report = try Self.report(at: status)
            #expect(report["accepted conn"] as? Int == 2)
            #expect((report["responses"] as? [String: Int])?["5xx"] == 1)
        }
    }

    @Test("Tasks are shown while they wait and run, and counted by name with their latencies")
    func tasks() throws {
        try Self.run { server, status in
            _ = try server.ask(RawRequest("GET", "/steps?gate=go&label=a"))
            _ = try server.folder.events("started", reaches: 1)
            try waitUntil("the running task is shown") {
                let report = try Self.report(at: status)
                let tasks = report["tasks"] as? [String: Any]
                let isShown = try Self.workers(in: report).contains {
                    $0["state"] as? String == "tasks" && ($0["task"] as? String)?.isEmpty == false
                }
                return isShown && tasks?["running"] as? Int == 1 && tasks?["oldest age"] as? Double != nil
            }
            try server.folder.open(gate: "go")
            _ = try server.folder.events(reaches: 1)
            try waitUntil("the task is counted") {
                let tasks = try Self.report(at: status)["tasks"] as? [String: Any]
                let names = tasks?["names"] as? [[String: Any]] ?? []
                let duration = names.first?["duration"] as? [String: Any]
                return tasks?["done"] as? Int ?? 0 > 0 && tasks?["running"] as? Int == 0
                    && duration?["p99"] as? Double ?? 0 > 0
            }
        }
    }

    @Test(
        "A row shows one request: next to a task it shows the task's own request, whatever the worker has served since"
    )
    func oneRequest() throws {
        let settings = "workers: { min: 2, max: 2, reserved-for-requests: 1 }"
        try Self.run(settings) { server, status in
            func ask(_ target: String, _ id: String) throws {
                let request = RawRequest("GET", target).with { $0.parameters = [("REQUEST_ID", id)] }
                #expect(try server.ask(request).status == 200)
            }
            // Its task occupies the one worker that may run tasks, so that the next tasks wait with the other
            // one.
            try ask("/steps?gate=first&label=a", "first-1")
            _ = try server.folder.events("started", reaches: 1)
            try ask("/steps?gate=second&label=b", "second-1")
            try ask("/hello", "last-1")
            try server.folder.open(gate: "first")
            _ = try server.folder.events("started", reaches: 2)
            try waitUntil("the second task is shown with its own request") {
                try Self.workers(in: Self.report(at: status)).contains { worker in
                    worker["state"] as? String == "tasks" && worker["request id"] as? String == "second-1"
                        && worker["request method"] as? String == "GET"
                        && worker["request uri"] as? String == "/steps?gate=second&label=b"
                        && worker["route"] as? String == "/steps" && worker["handler"] as? String == "steps"
                        && worker["request duration"] as? Double ?? 0 > 0
                }
            }
            try server.folder.open(gate: "second")
        }
    }

    @Test("The listen queue is the kernel's", arguments: [false, true])
    func listenQueue(isTCP: Bool) throws {
        let folder = try TestFolder()
        let status = Endpoint.unix(folder.file("status.socket"))
        let endpoint = isTCP ? Endpoint.tcp("127.0.0.1", try FreePort.take()) : nil
        try Server.run(
            TestManifest("workers: { min: 2 }\nstatus: \(status)"), in: folder, at: endpoint
        ) { server in
            let report = try Self.report(at: status)
            #expect(report["listen queue"] as? Int == 0 && report["max listen queue"] as? Int ?? -1 >= 0)
            // spawn-fcgi's backlog.
            #expect(report["listen queue len"] as? Int ?? 0 > 0)
        }
    }

    @Test(
        "Only the last segment of the path counts, only GET and HEAD are answered, and no other page exists")
    func paths() throws {
        try Self.run { server, status in
            for path in ["/ping", "/deep/down/ping", "//ping?x"] {
                #expect(try Self.get(path, at: status).text == "pong", "\(path)")
            }
            #expect(
                try Self.get("/x/status?json", at: status).http.field("Content-Type") == "application/json")
            #expect(
                try Self.get("/status?openmetrics", at: status).http.field("Content-Type")?
                    .hasPrefix("application/openmetrics-text") == true)
            let head = try FastCGIPeer(status).ask(RawRequest("HEAD", "/status"))
            #expect(head.status == 200 && head.text.isEmpty)
            #expect(try FastCGIPeer(status).ask(RawRequest("POST", "/ping")).status == 405)
            for path in ["/", "/hello", "/ping/x"] {
                #expect(try Self.get(path, at: status).status == 404, "\(path)")
            }
            // Its requests are not the application's.
            let before = try #require(try Self.report(at: status)["accepted conn"] as? Int)
            #expect(try Self.report(at: status)["accepted conn"] as? Int == before)
        }
    }

    @Test("The OpenMetrics reference parser reads all of it, and the figures are right")
    func metrics() throws {
        try Self.run { server, status in
            for number in 1...5 { _ = try server.ask(RawRequest("GET", "/steps?label=\(number)")) }
            _ = try server.folder.events(reaches: 5)
            try waitUntil("all are counted") {
                let report = try Self.report(at: status)
                let tasks = report["tasks"] as? [String: Any]
                return report["accepted conn"] as? Int == 6 && tasks?["done"] as? Int ?? 0 >= 5
            }
            let reply = try Self.get("/metrics", at: status)
            try server.folder.write("metrics.txt", reply.text)
            let command = try Command(
                BuildProducts.repository + "/.build/python/bin/python",
                ["-c", Self.parser, server.folder.file("metrics.txt")], in: server.folder)
            #expect(command.exit == .status(0), "\(command.errors)\n\(reply.text)")
            let samples = Set(command.output.split(separator: "\n").map(String.init))
            #expect(samples.contains("postlude_requests_total 6"), "\(command.output)")
            #expect(samples.contains("postlude_request_duration_seconds_count 6"))
            #expect(
                samples.contains {
                    $0.hasPrefix("postlude_task_duration_seconds_bucket{") && $0.contains("le=+Inf")
                })
        }
    }

    @Test(
        "The history has what has happened, outlives processes and an upgrade, and shows how long requests have waited"
    )
    func history() throws {
        let settings = "workers: { min: 2, max: 2, reserved-for-requests: 0 }\nshutdown-grace: 5s"
        try Self.run(settings, isSupervised: true) { server, status in
            func history(_ query: String = "history") throws -> [String: Any] {
                let reply = try Self.get("/status.json?\(query)", at: status)
                let report = try JSONSerialization.jsonObject(with: Data(reply.text.utf8)) as? [String: Any]
                return try #require(report?["history"] as? [String: Any], "\(reply.text)")
            }
            func marks() throws -> [String] {
                (try history()["marks"] as? [[String: Any]] ?? []).compactMap { $0["kind"] as? String }
            }
            try waitUntil("the start is a mark") { try marks() == ["start"] }
            // Sent two seconds ago, as nginx says.
            let start = String(format: "%.3f", Date().timeIntervalSince1970 - 2)
            _ = try server.ask(
                RawRequest("GET", "/hello").with { $0.parameters = [("REQUEST_START", start)] })
            try waitUntil("a second and its minute have the request, and its wait") {
                let history = try history()
                return ["seconds", "minutes"].allSatisfy { key in
                    (history[key] as? [[String: Any]] ?? []).contains { row in
                        let wait = (row["request wait"] as? [String: Double])?["p95"] ?? 0
                        return row["requests"] as? Int ?? 0 >= 1 && (1.7...2.5).contains(wait)
                    }
                }
            }
            let wait = try #require(try Self.report(at: status)["request wait"] as? [String: Any])
            #expect(wait["count"] as? Int == 1 && wait["sum"] as? Double ?? 0 >= 1.9)
            let before = try #require(try history()["minutes"] as? [[String: Any]]).first?["time"] as? Int
            let processes = try #require(try Self.report(at: status)["processes"] as? [[String: Any]])
            #expect(processes.first?["memory"] as? Int ?? 0 > 1 << 20)
            let pid = try #require(processes.first?["pid"] as? Int)
            kill(pid_t(pid), SIGKILL)
            try waitUntil("its death is a mark") { try marks() == ["start", "death"] }
            server.process.send(signal: SIGUSR2)
            // The new program opens the socket again.
            try waitUntil("the upgrade is a mark") { (try? marks())?.contains("upgrade") == true }
            #expect(
                try history()["minutes"].flatMap { $0 as? [[String: Any]] }?.first?["time"] as? Int == before)
            #expect(try history("history=minutes")["seconds"] == nil)
            try server.expectAnswers()
        }
    }

    @Test("Under a supervisor all processes are shown, and the log names what a crashed one was doing")
    func supervised() throws {
        let settings = "processes: { count: 2 }\nworkers: { min: 2, max: 2, reserved-for-requests: 0 }"
        try Self.run(settings, isSupervised: true) { server, status in
            try waitUntil("two processes are shown") {
                let processes = try Self.report(at: status)["processes"] as? [[String: Any]] ?? []
                return processes.count == 2 && processes.allSatisfy { $0["state"] as? String == "serving" }
            }
            #expect(try Self.report(at: status)["process manager"] as? String == "supervisor")
            let peer = try server.peer()
            try peer.send(
                RawRequest("GET", "/slow?gate=never").with { $0.parameters = [("REQUEST_ID", "lost-1")] })
            _ = try server.folder.events(reaches: 1)
            let processes = try #require(try Self.report(at: status)["processes"] as? [[String: Any]])
            let busy = processes.first { process in
                (process["workers"] as? [[String: Any]])?.contains { $0["request id"] as? String == "lost-1" }
                    == true
            }
            let pid = try #require(busy?["pid"] as? Int)
            let before = try #require(try Self.report(at: status)["accepted conn"] as? Int)
            kill(pid_t(pid), SIGKILL)
            _ = try server.logLine(holding: "was handling GET /slow?gate=never", "request lost-1", "\(pid)")
            try waitUntil("it is replaced") {
                let report = try Self.report(at: status)
                let processes = report["processes"] as? [[String: Any]] ?? []
                return report["replaced processes"] as? Int == 1 && processes.count == 2
                    && processes.allSatisfy { $0["state"] as? String == "serving" }
            }
            let problems = try #require(try Self.report(at: status)["problems"] as? [[String: Any]])
            let restarts = try #require(problems.first { $0["kind"] as? String == "restarts" })
            #expect(restarts["text"] as? String == "1 process has died in the last 5 minutes")
            #expect(restarts["level"] as? String == "warning" && restarts["last"] is Int)
            // Counters never decrease.
            #expect(try Self.report(at: status)["accepted conn"] as? Int ?? 0 >= before)
            try server.expectAnswers()
        }
    }

    @Test("Answers are as the schema says, also of a server with durable tasks", arguments: [false, true])
    func schema(isDurable: Bool) throws {
        func check(_ server: Server, _ status: Endpoint, _ query: String, _ definition: String) throws {
            let reply = try Self.get("/status.json" + query, at: status)
            try server.folder.write("answer.json", reply.text)
            let schema = BuildProducts.repository + "/Sources/Postlude/Resources/status.schema.json"
            let command = try Command(
                "/usr/bin/python3",
                ["-c", Self.validator, schema, definition, server.folder.file("answer.json")],
                in: server.folder)
            #expect(command.exit == .status(0), "\(command.errors)\n\(reply.text)")
        }
        func check(_ server: Server, _ status: Endpoint) throws {
            _ = try server.ask(RawRequest("GET", "/nowhere"))
            try waitUntil("there is a history") {
                try Self.get("/status.json?history", at: status).text.contains("\"queued tasks\"")
            }
            try check(server, status, "", "report")
            try check(server, status, "?history", "report")
        }
        guard isDurable else { return try Self.run(isSupervised: true, check) }
        let folder = try TestFolder()
        let status = Endpoint.unix(folder.file("status.socket"))
        try DurableServer.run("workers: { min: 2, max: 2 }\nstatus: \(status)", in: folder) { server in
            let id = try #require(try server.add("/single?label=a&failures=9").first)
            try waitUntil("there is a dead letter") {
                try Self.get("/status.json?dead-letters", at: status).text.contains("\"error\"")
            }
            try check(server, status, "?search=\(id)", "search")
            try check(server, status)
            try check(server, status, "?dead-letters", "dead letters")
        }
    }

    /// Validates an answer, in which no member may be that the schema does not have.
    private static let validator = """
        import json, sys, jsonschema
        schema = json.load(open(sys.argv[1]))
        jsonschema.Draft7Validator.check_schema(schema)
        def close(part):
            if isinstance(part, dict):
                if 'properties' in part: part['additionalProperties'] = False
                for inner in part.values(): close(inner)
            elif isinstance(part, list):
                for inner in part: close(inner)
        close(schema['definitions'])
        jsonschema.validate(json.load(open(sys.argv[3])),
            {'$ref': '#/definitions/' + sys.argv[2], 'definitions': schema['definitions']})
        """

    private static let parser = """
        import sys
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
        for family in parse(open(sys.argv[1]).read()):
            for sample in family.samples:
                labels = ','.join(f'{k}={v}' for k, v in sorted(sample.labels.items()))
                print(sample.name + ('{' + labels + '}' if labels else ''), sample.value)
        """
}
