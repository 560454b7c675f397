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

    @Test("A kind is paused, resumed and cancelled") func control() throws {
        try Self.run(", task-actions: true") { server, status in
            let running = try #require(try server.add("/single?label=a&gate=go").first)
            #expect(try Self.perform("pause=Nobody", at: status).status == 404)
            #expect(try Self.perform("retry=Step", at: status).status == 404)
            #expect(try Self.perform("pause=Step", at: status).status == 200)
            #expect(try Self.perform("pause=Step", at: status).status == 409)
            let names = try #require(try Self.durable(at: status)["names"] as? [[String: Any]])
            #expect(names.first { $0["name"] as? String == "Step" }?["paused"] as? Bool == true)
            let metrics = try StatusTests.get("/metrics", at: status).text
            #expect(metrics.contains("postlude_durable_kind_paused{task=\"Step\"} 1\n"))
            #expect(try Self.perform("resume=Step", at: status).status == 200)
            #expect(try Self.perform("cancel=\(running)", at: status).status == 200)
            try waitUntil("it is cancelled") {
                try server.ask(RawRequest("GET", "/tasks/\(running)")).http.text.contains("cancelled")
            }
            #expect(try Self.perform("cancel=\(running)", at: status).status == 409)
        }
    }

    @Test("The page groups dead letters by error, shows all of a group, and changes them without a reload")
    func buttons() throws {
        try Self.run(", task-actions: true") { server, status in
            for _ in 1...130 { _ = try server.add("/single?label=a&failures=9") }
            let last = try Self.deadLetter(server, status)
            try waitUntil("all have failed") {
                try Self.durable(at: status)["dead letter groups"].flatMap { $0 as? [[String: Any]] }?.first?[
                    "count"] as? Int == 131
            }
            try NginxServer.run(to: server, locations: StatusPageTests.locations(of: status)) { nginx in
                try Browser.open("http://127.0.0.1:\(nginx.port)/internal/status", width: 320) { page in
                    try page.wait(
                        for:
                            "document.querySelectorAll('[aria-label=\"Dead letters by error\"] > tbody').length == 1"
                    )
                    try page.wait(
                        for: "document.getElementById('problems').innerText.includes('131 dead letters')")
                    try page.evaluate("void document.querySelector('#durable button[aria-expanded]').focus()")
                    try page.evaluate("void document.activeElement.click()")
                    let rows = "document.querySelectorAll('.inner tbody tr').length"
                    try page.wait(for: "\(rows) == 100")
                    #expect(try page.evaluate("document.activeElement.ariaExpanded") == "true")
                    try page.evaluate("void document.querySelector('.inner .more').click()")
                    try page.wait(for: "\(rows) == 131")
                    #expect(try page.evaluate("document.querySelector('.inner .more').hidden") == "true")
                    #expect(try page.evaluate("document.documentElement.scrollWidth") == "320")

                    #expect(try AxeCore.violations(in: page, try AxeCore.script()) == "")

                    let ran = server.folder.events().count
                    let button = { (action: String) in
                        "document.querySelector('[aria-label^=\(action)][aria-label$=\"\(last)\"]')"
                    }
                    try page.evaluate("void \(button("retry")).click()")
                    _ = try server.folder.events(reaches: ran + 3)
                    try waitUntil("it is a dead letter again") {
                        try Self.deadLetters(at: status).contains { $0["id"] as? String == last }
                    }
                    // The page may still show the row from before, and remove it while it reads what is retried.
                    try page.evaluate(
                        "void Promise.all([...opened.values()].map(group => load(group))).then(() => document.body.dataset.read = 'yes')"
                    )
                    try page.wait(for: "document.body.dataset.read == 'yes'")
                    try page.wait(for: "\(button("discard")) != null && \(rows) == 131")

                    // It asks first, and keeps the dead letter unless it is told otherwise.
                    try page.evaluate("void (\(button("discard")).focus(), \(button("discard")).click())")
                    #expect(try page.evaluate("document.getElementById('discard').open") == "true")
                    #expect(try page.evaluate("document.activeElement.textContent") == "Keep it")
                    #expect(
                        try page.evaluate("document.getElementById('question').textContent").contains(last))
                    try page.evaluate("void document.activeElement.click()")
                    #expect(try page.evaluate("document.getElementById('discard').open") == "false")
                    #expect(try page.evaluate("document.activeElement == \(button("discard"))") == "true")
                    try page.evaluate("void \(button("discard")).click()")
                    try page.evaluate("void document.querySelector('dialog .risky').click()")
                    try page.wait(for: "\(rows) == 130")
                    // The next row has the focus.
                    try page.wait(for: "document.activeElement.closest('.inner') != null")
                    #expect(try page.evaluate("\(button("discard"))") == "null")
                    try page.wait(
                        for: "document.getElementById('problems').innerText.includes('130 dead letters')")
                }
            }
        }
    }

    @Test("Without dead letters there is no table of them, and no problem") func none() throws {
        try Self.run { server, status in
            #expect(try server.add("/single?label=a").count == 1)
            let durable = try Self.durable(at: status)
            #expect((durable["dead letter groups"] as? [Any])?.isEmpty == true && durable["read"] is Int)
            #expect((try StatusTests.report(at: status)["problems"] as? [Any])?.isEmpty == true)
            #expect(try StatusTests.get("/status.json?dead-letters&after=x", at: status).status == 404)
            let page = try StatusTests.get("/status.json?dead-letters&group=ab", at: status)
            #expect(page.text.contains("\"dead letters\":[]"), "\(page.text)")
        }
    }

    @Test("A task store that cannot be read is a problem, and the figures before it stay")
    func unreadable() throws {
        try Self.run(", problems: { outage: 1ms }") { server, status in
            _ = try Self.deadLetter(server, status)
            let file = server.folder.file("tasks.sqlite")
            try FileManager.default.moveItem(atPath: file, toPath: file + ".away")
            try waitUntil("it is reported") {
                let problems = try StatusTests.report(at: status)["problems"] as? [[String: Any]] ?? []
                return problems.first?["kind"] as? String == "task-store"
            }
            let durable = try Self.durable(at: status)
            #expect(durable["error"] is String && durable["read"] is Int)
            #expect((durable["dead letter groups"] as? [Any])?.count == 1)
            try FileManager.default.moveItem(atPath: file + ".away", toPath: file)
            try waitUntil("it is over") {
                let problems = try StatusTests.report(at: status)["problems"] as? [[String: Any]] ?? []
                return problems.map { $0["kind"] as? String } == ["dead-letters"]
            }
        }
    }
}
