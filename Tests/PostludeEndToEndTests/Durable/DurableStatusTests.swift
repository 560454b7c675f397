import Foundation
import Testing

/// Durable tasks on the status pages: their display and their control.
@Suite("Durable tasks on the status pages", .timeLimit(.minutes(10)))
struct DurableStatusTests {
    private static func run(
        _ status: String = "", isSupervised: Bool = false, _ body: (Server, Endpoint) throws -> Void
    ) throws {
        let folder = try TestFolder()
        let socket = Endpoint.unix(folder.file("status.socket"))
        try DurableServer.run(
            "workers: { min: 2, max: 2 }\nstatus: { listen: \(socket), mode: '0666'\(status) }", in: folder,
            isSupervised: isSupervised
        ) { try body($0, socket) }
    }

    private static func durable(at endpoint: Endpoint) throws -> [String: Any] {
        try #require(try StatusTests.report(at: endpoint)["durable tasks"] as? [String: Any])
    }

    private static func deadLetters(at endpoint: Endpoint) throws -> [[String: Any]] {
        try durable(at: endpoint)["dead letters"] as? [[String: Any]] ?? []
    }

    /// Adds a task that fails for good, and returns its id.
    private static func deadLetter(_ server: Server, _ status: Endpoint) throws -> String {
        let id = try #require(try server.add("/single?label=a&failures=9").first)
        try waitUntil("the dead letter is shown") {
            try deadLetters(at: status).contains { $0["id"] as? String == id }
        }
        return id
    }

    private static func perform(
        _ query: String, at endpoint: Endpoint, header: Bool = true
    ) throws -> FastCGIReply {
        try FastCGIPeer(endpoint).ask(
            RawRequest("POST", "/-/status?\(query)").with {
                if header { $0.parameters.append(("HTTP_POSTLUDE_TASK_ACTION", "1")) }
            })
    }

    @Test("Waiting tasks are counted, and a dead letter is shown with its error", arguments: [false, true])
    func inspection(isSupervised: Bool) throws {
        try Self.run(isSupervised: isSupervised) { server, status in
            let id = try Self.deadLetter(server, status)
            let letter = try #require(try Self.deadLetters(at: status).first)
            #expect(letter["id"] as? String == id && letter["attempts"] as? Int ?? 0 > 0)
            #expect((letter["error"] as? String)?.isEmpty == false && letter["ended"] as? Int ?? 0 > 0)
            _ = try server.ask(RawRequest("POST", "/single?label=b&gate=go"))
            try waitUntil("the running task is counted") {
                let report = try Self.durable(at: status)
                let names = report["names"] as? [[String: Any]] ?? []
                return names.contains { $0["running"] as? Int == 1 } && report["oldest age"] is Double
            }
            let metrics = try StatusTests.get("/metrics", at: status).text
            #expect(metrics.contains("state=\"failed\"} 1\n") && metrics.contains("_tasks_readable 1.0\n"))
            try server.folder.open(gate: "go")
        }
    }

    @Test("Tasks cannot be changed unless the manifest allows it") func closed() throws {
        try Self.run { server, status in
            let id = try Self.deadLetter(server, status)
            #expect(try Self.durable(at: status)["task actions"] as? Bool == false)
            #expect(try Self.perform("discard=\(id)", at: status).status == 405)
            #expect(try Self.deadLetters(at: status).count == 1)
        }
    }

    @Test("A dead letter is retried or discarded; pages of other sites can do neither")
    func taskActions() throws {
        try Self.run(", task-actions: true") { server, status in
            let id = try Self.deadLetter(server, status)
            #expect(try Self.perform("retry=\(id)", at: status, header: false).status == 403)
            for query in ["", "retry", "retry=x", "drop=\(id)", "retry=\(id)&discard=\(id)"] {
                #expect([400, 404].contains(try Self.perform(query, at: status).status), "\(query)")
            }
            let ran = server.folder.events().count
            #expect(try Self.perform("retry=\(id)", at: status).status == 200)
            // All of its attempts are available again.
            _ = try server.folder.events(reaches: ran + 3)
            try waitUntil("it has failed again") { try Self.deadLetters(at: status).count == 1 }
            #expect(try Self.perform("discard=\(id)", at: status).status == 200)
            #expect(try Self.deadLetters(at: status).isEmpty)
            #expect(try Self.perform("discard=\(id)", at: status).status == 409)
        }
    }

    @Test("The page's buttons work without a reload; on a phone's screen nothing is cut off")
    func buttons() throws {
        try Self.run(", task-actions: true") { server, status in
            let id = try Self.deadLetter(server, status)
            try NginxServer.run(to: server, locations: StatusPageTests.locations(of: status)) { nginx in
                try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status", width: 360) { page in
                    try page.wait(for: "document.body.innerText.includes('\(id)')")
                    #expect(try page.evaluate("document.documentElement.scrollWidth") == "360")
                    let ran = server.folder.events().count
                    try page.evaluate(
                        "void [...document.querySelectorAll('button')].find(one => one.textContent == 'retry').click()"
                    )
                    _ = try server.folder.events(reaches: ran + 3)
                    try page.wait(for: "document.querySelectorAll('button').length == 2")
                    try page.evaluate(
                        "void [...document.querySelectorAll('button')].find(one => one.textContent == 'discard').click()"
                    )
                    try page.wait(for: "document.querySelectorAll('button').length == 0")
                    #expect(try Self.deadLetters(at: status).isEmpty)
                }
            }
        }
    }
}
