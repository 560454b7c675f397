import Foundation
import Testing

/// The manifest's policies for durable tasks override those in code.
@Suite("Policies of durable tasks")
struct DurablePolicyTests {
    private struct Status: Decodable {
        var state: String
        var attempts: Int
        var error: String?
    }

    private func status(of id: String, in server: Server, until state: String) throws -> Status {
        try eventually("the task is \(state)") {
            let status = try server.ask(RawRequest("GET", "/our/tasks/\(id)")).http.json(Status.self)
            return status.state == state ? status : nil
        }
    }

    @Test("Attempts and their delay") func attempts() throws {
        try DurableServer.run("durable-tasks: { Flaky: { attempts: 5, delay: 1ms, factor: 1 } }") { server in
            let id = try #require(try server.add("/single?label=a&failures=9").first)
            #expect(try status(of: id, in: server, until: "failed").attempts == 5)
            #expect(server.folder.events() == (1...5).map { "a attempt \($0)" })
        }
    }

    @Test("A deadline cancels the attempt, and the last attempt becomes a dead letter") func deadline() throws
    {
        try DurableServer.run("durable-tasks: { Step: { attempts: 2, delay: 1ms, deadline: 50ms } }") {
            server in
            let id = try #require(try server.add("/single?label=a&gate=never").first)
            let failed = try status(of: id, in: server, until: "failed")
            #expect(failed.attempts == 2)
            #expect(failed.error?.localizedCaseInsensitiveContains("deadline") == true, "\(failed)")
            #expect(server.folder.events("begun") == ["a 1 began", "a 1 began"])
        }
    }

    @Test("A task that has not begun by its expiry does not run") func expiry() throws {
        try DurableServer.run("durable-tasks: { Step: { expiry: 50ms } }") { server in
            let id = try #require(try server.add("/single?label=a&after=200").first)
            #expect(try status(of: id, in: server, until: "expired").attempts == 0)
            #expect(server.folder.events("begun").isEmpty)
        }
    }

    @Test("Of the due tasks, one with a higher priority runs first") func priority() throws {
        let folder = try TestFolder()
        let settings =
            "workers: { min: 1, max: 1 }\ndurable-tasks: { Flaky: { priority: high }, Step: { priority: low } }"
        let due = try DurableServer.run(settings, in: folder) { server in
            for label in ["a", "b"] { _ = try server.add("/single?label=\(label)&after=1500") }
            _ = try server.add("/single?label=c&failures=0&after=1500")
            return Date(timeIntervalSinceNow: 1.6)
        }
        try waitUntil("all are due") { Date() > due }
        #expect(folder.events().isEmpty)
        try DurableServer.run(settings, in: folder) { _ in
            let lines = try folder.events(reaches: 3)
            #expect(lines == ["c attempt 1", "a 1", "b 1"])
        }
    }

    @Test("A missed schedule fires once, however many processes start") func schedule() throws {
        let folder = try TestFolder()
        let settings = """
            schedules: { yearly: { cron: "@yearly", task: Step, arguments: { label: s, number: 1 } } }
            """
        try DurableServer.run(settings, in: folder) { _ in }
        // As if it had been started three years ago.
        let taskStore = SQLiteFile("tasks.sqlite", in: folder)
        try taskStore.sqlite3("UPDATE firing SET time = time - 3 * 366 * 86400000")
        let servers = try ["one", "two", "three"].map { name in
            try Server(
                DurableServer.manifest(in: folder, settings), in: folder,
                at: .unix(folder.file(name + ".socket")),
                executable: BuildProducts.durableTestbed)
        }
        for server in servers {
            try waitUntil("it answers") { (try? server.ask(RawRequest("GET", "/hello")))?.status == 200 }
        }
        #expect(try folder.events(reaches: 1) == ["s 1"])
        for server in servers {
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit() == .status(0))
        }
        #expect(try taskStore.sqlite3("SELECT count(*) FROM record") == ["1"])
        #expect(folder.events() == ["s 1"])
    }

    @Test("SIGHUP changes policies; a new task store applies at the next start") func reload() throws {
        try DurableServer.run { server in
            let other = DurableServer.manifest(
                in: server.folder, "durable-tasks: { Flaky: { attempts: 1 } }", taskStore: "keep: 1h")
            try server.reload(other, in: 1)
            let id = try #require(try server.add("/single?label=a&failures=9").first)
            #expect(try status(of: id, in: server, until: "failed").attempts == 1)
            _ = try server.logLine(holding: "warning", "next start", "task-store.keep")
        }
    }

    @Test("Settings that do not fit are refused with their position, before the program serves")
    func refused() throws {
        let folder = try TestFolder()
        for (settings, expected) in [
            (
                "durable-tasks: { Stp: { attempts: 2 } }",
                "routes.yaml:1:18: unknown durable task `Stp` (nearest: Step)"
            ),
            (
                "schedules: { a: { cron: '61 * * * *', task: Step, arguments: { label: a, number: 1 } } }",
                "routes.yaml:1:25: "
            ),
            ("schedules: { a: { cron: '@daily', task: Step, arguments: { label: a } } }", "has no `number`"),
            (
                "schedules: { a: { cron: '@daily', task: Step, arguments: { label: a, number: b } } }",
                "1:78: found"
            ),
        ] {
            let text = DurableServer.manifest(in: folder, settings).text
            try folder.write("routes.yaml", text)
            let check = try Command(BuildProducts.durableTestbed, ["check"], in: folder)
            #expect(check.exit == .status(1) && check.errors.contains(expected), "\(check.errors)")
        }
    }
}
