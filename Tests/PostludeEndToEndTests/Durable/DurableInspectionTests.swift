import Foundation
import Testing

@Suite("Inspecting durable tasks")
struct DurableInspectionTests {
    private struct Status: Decodable {
        var id: String
        var name: String
        var state: String
        var attempts: Int
        var added: Date
        var ended: Date?
        var result: String?
        var error: String?
    }

    private func status(_ path: String, in server: Server) throws -> Status {
        let reply = try server.ask(RawRequest("GET", path))
        #expect(reply.status == 200)
        #expect(reply.http.field("cache-control") == "no-store")
        return try reply.http.json(Status.self)
    }

    /// Waits until a task has a given state.
    private func status(of id: String, is state: String, in server: Server) throws -> Status {
        try eventually("the task is \(state)") {
            let status = try status("/tasks/\(id)", in: server)
            return status.state == state ? status : nil
        }
    }

    private func tasks(_ arguments: String..., in folder: TestFolder) throws -> Command {
        try Command(
            BuildProducts.durableTestbed,
            ["tasks"] + arguments + ["--task-store", folder.file("tasks.sqlite")],
            in: folder)
    }

    // MARK: Over HTTP

    @Test("A task's status and result are found by the id that its response has named")
    func byID() throws {
        try DurableServer.run { server in
            let id = try #require(try server.add("/single?label=a&gate=go").first)
            _ = try status(of: id, is: "running", in: server)
            try server.folder.open(gate: "go")
            let done = try status(of: id, is: "done", in: server)
            #expect(done.id == id && done.name == "Step" && done.attempts == 1)
            #expect(done.result == "a 1")
            #expect(done.ended.map { $0 >= done.added } == true)
            #expect(try status("/tasks/\(id.uppercased())", in: server).id == id)
            for wrong in ["none", "01a206d4-13fb-7c7a-a063-f5f7a68201ec", "%00"] {
                let reply = try server.ask(RawRequest("GET", "/tasks/\(wrong)"))
                #expect(reply.status == 404 || reply.status == 400, "\(wrong)")
            }
        }
    }

    @Test("An error's text is shown only if the application allows it")
    func errors() throws {
        try DurableServer.run { server in
            let id = try #require(try server.add("/single?label=a&failures=9").first)
            let failed = try status(of: id, is: "failed", in: server)
            #expect(failed.attempts == 3 && failed.error == nil && failed.result == nil)
            #expect(try status("/our/tasks/\(id)", in: server).error?.contains("Refused") == true)
        }
    }

    @Test("The newest task with a unique key is found, over or not")
    func byKey() throws {
        try DurableServer.run { server in
            #expect(try server.ask(RawRequest("GET", "/keyed?label=&key=k")).status == 404)
            let first = try #require(try server.add("/single?label=a&key=k").first)
            _ = try status(of: first, is: "done", in: server)
            let answer = try server.ask(RawRequest("GET", "/keyed?label=&key=k"))
            #expect(
                try answer.http.json([String: String].self) == [
                    "id": first, "state": "done", "result": "a 1",
                ])
            let second = try #require(try server.add("/single?label=b&key=k&gate=go").first)
            #expect(first != second)
            _ = try status(of: second, is: "running", in: server)
            let other = try server.ask(RawRequest("GET", "/keyed?label=&key=k"))
            #expect(
                try other.http.json([String: String].self) == [
                    "id": second, "state": "running", "result": "none",
                ])
            try server.folder.open(gate: "go")
        }
    }

    // MARK: On the command line

    @Test("tasks lists, shows, exports, retries and discards, also while a server runs")
    func commandLine() throws {
        try DurableServer.run { server in
            let folder = server.folder
            let done = try #require(try server.add("/single?label=a").first)
            let failed = try #require(try server.add("/single?label=b&failures=4").first)
            let later = try #require(try server.add("/single?label=c&after=3600000").first)
            _ = try status(of: failed, is: "failed", in: server)

            let list = try tasks("list", in: folder)
            #expect(list.exit == .status(0))
            let lines = list.output.split(separator: "\n").dropFirst()
            #expect(
                lines.map { $0.prefix(36) } == [later, failed, done].map { $0.prefix(36) }, "newest first")
            #expect(
                lines.contains { $0.contains("Flaky") && $0.contains("failed") && $0.contains("Refused") })
            let page = try tasks("list", "--limit", "1", "--state", "done", "waiting", in: folder)
            #expect(page.output.contains(later) && !page.output.contains(failed))
            let next = try #require(page.output.split(separator: " ").last).trimmingCharacters(in: .newlines)
            let second = try tasks("list", "--state", "done", "waiting", "--after", next, in: folder)
            #expect(second.output.contains(done) && !second.output.contains(later))

            let show = try tasks("show", failed, in: folder)
            #expect(show.output.contains(#"values      {"#) && show.output.contains("Refused()"))
            let export = try tasks("export", "--name", "Flaky", in: folder)
            let exported = try JSONSerialization.jsonObject(with: Data(export.output.utf8)) as? [String: Any]
            #expect(exported?["id"] as? String == failed)
            #expect((exported?["payload"] as? [String: Any])?["label"] as? String == "b")

            let retry = try tasks("retry", failed, in: folder)
            #expect(retry.output == "\(failed) runs again\n")
            _ = try eventually("it has failed once more") { () -> Bool? in
                folder.events().count { $0.hasPrefix("b attempt") } == 6 ? true : nil
            }
            _ = try status(of: failed, is: "failed", in: server)
            let discard = try tasks("discard", later, done, in: folder)
            #expect(discard.exit == .status(1))
            #expect(discard.output == "\(later) is discarded\n")
            #expect(discard.errors.contains("\(done) stays unchanged: it is done"))
            let all = try tasks("discard", "--failed", in: folder)
            #expect(all.output == "\(failed) is discarded\n")
            #expect(try status("/tasks/\(failed)", in: server).state == "discarded")
        }
    }

    @Test("A key or an error can neither control the terminal nor forge a line; JSON has its exact text")
    func hostileText() throws {
        try DurableServer.run { server in
            let folder = server.folder
            let id = try #require(
                try server.add("/single?label=a&key=k%0Aforged%1B%5B2J%E2%80%AE&after=3600000").first)
            let show = try tasks("show", id, in: folder)
            #expect(show.output.contains(#"unique key  k\nforged\u{1b}[2J\u{202e}"#), "\(show.output)")
            let list = try tasks("list", in: folder)
            for output in [show.output, list.output] {
                #expect(!output.unicodeScalars.contains { $0 == "\u{1b}" || $0 == "\u{202e}" })
                #expect(!output.split(separator: "\n").contains { $0.hasPrefix("forged") })
            }
            func object(_ arguments: String...) throws -> [String: Any] {
                let command = try Command(
                    BuildProducts.durableTestbed,
                    ["tasks"] + arguments + ["--json", "--task-store", folder.file("tasks.sqlite")],
                    in: folder)
                #expect(command.exit == .status(0), "\(command.errors)")
                return try #require(
                    try JSONSerialization.jsonObject(with: Data(command.output.utf8)) as? [String: Any])
            }
            let shown = try object("show", id)
            #expect(shown["unique"] as? String == "k\nforged\u{1b}[2J\u{202e}")
            #expect((shown["payload"] as? [String: Any])?["label"] as? String == "a")
            #expect(shown["state"] as? String == "waiting" && shown["added"] as? String != nil)
            let listed = try #require(try object("list")["tasks"] as? [[String: Any]])
            #expect(listed.map { $0["id"] as? String } == [id])
        }
    }

    @Test("An unknown kind is refused, and the known kinds are listed")
    func unknownKind() throws {
        try DurableServer.run { server in
            let unknown = try tasks("list", "--name", "Nope", in: server.folder)
            #expect(unknown.exit == .status(1) && unknown.output.isEmpty)
            #expect(
                unknown.errors.contains("there is no kind of tasks called Nope")
                    && unknown.errors.contains("Step"), "\(unknown.errors)")
            let empty = try tasks("list", "--name", "Step", in: server.folder)
            #expect(empty.exit == .status(0) && empty.output == "There is no such task.\n")
        }
    }

    @Test("drain runs the due tasks in order, and says when none is left")
    func drain() throws {
        let folder = try TestFolder()
        try DurableServer.run(in: folder, ending: .any) { server in
            _ = try server.add("/order?label=a&count=3&gate=go")
            _ = try server.add("/single?label=later&after=3600000")
            _ = try folder.events("begun", reaches: 1)
            server.process.send(signal: SIGKILL)
            _ = try server.process.waitForExit()
        }
        func drain(_ options: String...) throws -> Command {
            try Command(BuildProducts.durableTestbed, ["tasks", "drain"] + options, in: folder)
        }
        let inVain = try drain("--within", "0.3")
        #expect(inVain.exit == .status(1))
        #expect(inVain.errors.contains("due tasks that are not over: 3"), "\(inVain.errors)")
        try folder.open(gate: "go")
        let whole = try drain()
        #expect(whole.exit == .status(0), "\(whole.errors)")
        #expect(whole.output.contains("No due task is left."))
        #expect(folder.events() == ["a 1", "a 2", "a 3"])
        #expect(try tasks("list", "--state", "waiting", in: folder).output.contains("Step"))
    }

    @Test(
        "restore replaces the store with a backup, keeps the previous one, and the backup's tasks run")
    func restore() throws {
        let folder = try TestFolder()
        let store = SQLiteFile("tasks.sqlite", in: folder)
        try DurableServer.run(in: folder) { server in
            _ = try server.add("/single?label=later&after=3600000")
            try store.sqlite3(".backup \(folder.file("backup"))")
            let id = try #require(try server.add("/single?label=after").first)
            _ = try status(of: id, is: "done", in: server)
            let refused = try tasks("restore", folder.file("backup"), in: folder)
            #expect(refused.exit == .status(1), "a server runs: \(refused.output)")
        }
        let restored = try tasks("restore", folder.file("backup"), in: folder)
        #expect(restored.exit == .status(0), "\(restored.errors)")
        #expect(restored.output.contains("The task store is restored from \(folder.file("backup"))."))
        let kept = try #require(restored.output.firstMatch(of: /The previous one is (.+)\.\n/)?.output.1)
        #expect(
            try SQLiteFile(String(kept.split(separator: "/").last ?? ""), in: folder).sqlite3(
                "SELECT count(*) FROM record") == ["2"])
        let labels = try store.sqlite3("SELECT payload ->> 'label' FROM record")
        #expect(labels == ["later"])
        let none = try tasks("restore", folder.file("none"), in: folder)
        #expect(none.exit == .status(1) && none.errors.contains(folder.file("none")), "\(none.errors)")
    }

    @Test("reschedule makes a schedule that has fired for a future time continue from now")
    func reschedule() throws {
        let folder = try TestFolder()
        let schedule =
            "schedules: { yearly: { cron: '@yearly', task: Step, arguments: { label: s, number: 1 } } }"
        try DurableServer.run("workers: { min: 2, max: 8 }\n\(schedule)", in: folder) { server in
            let firings = SQLiteFile("tasks.sqlite", in: folder)
            try waitUntil("the schedule has begun: \(server.log)") {
                try firings.sqlite3("SELECT count(*) FROM firing") != ["0"]
            }
            let asItIs = try tasks("reschedule", "yearly", in: folder)
            #expect(
                asItIs.exit == .status(0) && asItIs.output.contains("it stays unchanged"), "\(asItIs.output)")
            // The clock was ten years ahead.
            try firings.sqlite3("UPDATE firing SET time = time + 315360000000")
            let goesOn = try tasks("reschedule", "yearly", in: folder)
            #expect(
                goesOn.output.contains("The schedule yearly continues from now; it was at 20"),
                "\(goesOn.output)")
        }
        let unknown = try tasks("reschedule", "weekly", in: folder)
        #expect(unknown.exit == .status(1) && unknown.errors.contains("no schedule weekly has begun"))
    }

    @Test("The version of SQLite is in check --verbose, in its JSON, and in the log of the start")
    func sqliteVersion() throws {
        let folder = try TestFolder()
        let version = try #require(try SQLiteFile("any", in: folder).sqlite3("SELECT sqlite_version()").first)
        let manifest = DurableServer.manifest(in: folder)
        try manifest.text.write(toFile: folder.file("check.yaml"), atomically: true, encoding: .utf8)
        for (options, said) in [
            ([], "durable tasks are stored by "), (["--json"], "\"durable-tasks-library\""),
        ] {
            let check = try Command(
                BuildProducts.durableTestbed,
                ["check", "--verbose", "--manifest", folder.file("check.yaml")] + options, in: folder)
            #expect(check.exit == .status(0) && check.output.contains(said), "\(check.output)\(check.errors)")
            #expect(check.output.contains(version), "\(check.output)")
        }
        try DurableServer.run { server in
            _ = try server.logLine(holding: "the task store is open", "SQLite \(version)")
        }
    }

    @Test("check --tasks names the stored tasks that the program cannot read")
    func check() throws {
        let folder = try TestFolder()
        func check(_ options: String...) throws -> Command {
            try Command(
                BuildProducts.durableTestbed,
                ["check", "--tasks", "--manifest", folder.file("check.yaml")] + options, in: folder)
        }
        try folder.write("check.yaml", DurableServer.manifest(in: folder).text)
        let none = try check()
        #expect(none.exit == .status(0) && none.output.contains("there is no task store yet"), "\(none)")
        let id = try DurableServer.run(in: folder) { server in
            let id = try #require(try server.add("/single?label=a&after=100000000").first)
            let good = try check()
            #expect(good.exit == .status(0), "\(good)")
            #expect(good.output.contains("this program can read all of 1 stored task"), "\(good)")
            return id
        }
        _ = try SQLiteFile("tasks.sqlite", in: folder).sqlite3(#"UPDATE record SET payload = '{"number":1}'"#)
        let wrong = try check()
        #expect(wrong.exit == .status(1), "\(wrong)")
        #expect(wrong.output.contains("Step: 1 task cannot be read: `label` is missing (\(id))"), "\(wrong)")
        let json = try check("--json")
        #expect(json.exit == .status(1) && json.output.contains(#""unreadable": 1"#), "\(json)")
        _ = try SQLiteFile("tasks.sqlite", in: folder)
            .sqlite3(#"UPDATE record SET name = 'Poison', payload = '{"harm":"values"}'"#)
        let trapped = try check()
        if case .status = trapped.exit { Issue.record("\(trapped)") }
        #expect(trapped.errors.contains("while the stored task Poison \(id) was decoded"), "\(trapped)")
    }

    @Test("upgrade sends no signal to other programs")
    func upgrade() throws {
        let folder = try TestFolder()
        for pid in [ProcessInfo.processInfo.processIdentifier, 0, -1] {
            let command = try Command(BuildProducts.durableTestbed, ["upgrade", "--", "\(pid)"], in: folder)
            #expect(command.exit == .status(64) && command.errors.contains("is not a supervisor of"))
        }
    }

    @Test("An error says what to do")
    func mistakes() throws {
        let folder = try TestFolder()
        let none = try tasks("list", in: folder)
        #expect(none.exit == .status(1))
        #expect(none.errors.contains(folder.file("tasks.sqlite")), "\(none.errors)")
        for (words, said) in [
            (["show", "7"], "'7'"), (["retry"], "Give ids, or --failed"),
            (["list", "--state", "lost"], "no state lost"),
            (["list", "--limit", "0"], "--limit is 0"), (["drain", "--within", "soon"], "soon"),
        ] {
            let command = try Command(BuildProducts.durableTestbed, ["tasks"] + words, in: folder)
            #expect(command.exit == .status(64), "\(words)")
            #expect(command.errors.contains(said), "\(words): \(command.errors)")
        }
    }
}
