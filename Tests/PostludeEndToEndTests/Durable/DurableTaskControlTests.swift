import Foundation
import PostludeRecordStoreFixtures
import Testing

/// Tasks that are added, paused, resumed and cancelled from outside of the process that has them.
@Suite("Durable tasks from anywhere, and under control", .timeLimit(.minutes(10)))
struct DurableTaskControlTests {
    enum Store: CaseIterable { case file, postgreSQL }

    /// A folder with a task store, and the servers that share it.
    private final class Site {
        let folder: TestFolder
        let place: String
        private let postgreSQL: PostgreSQLFixture?

        init(_ store: Store) throws {
            folder = try TestFolder()
            postgreSQL = store == .postgreSQL ? try PostgreSQLFixture() : nil
            place = postgreSQL?.place ?? folder.file("tasks.sqlite")
        }

        /// Starts servers, each with a socket of its own.
        func servers(_ names: String...) throws -> [Server] {
            let manifest = DurableServer.manifest(in: folder, place: place)
            // One after the other: each writes the manifest, which the one before it has read by then.
            return try names.map { name in
                let server = try Server(
                    manifest, in: folder, at: .unix(folder.file(name + ".socket")),
                    executable: BuildProducts.durableTestbed)
                try waitUntil("a server answers: \(server.log.suffix(2_000))") {
                    (try? server.ask(RawRequest("GET", "/hello")))?.status == 200
                }
                return server
            }
        }

        func end(_ servers: [Server]) throws {
            for server in servers {
                server.process.send(signal: SIGTERM)
                #expect(try server.process.waitForExit() == .status(0), "\(server.log.suffix(2_000))")
            }
        }

        func tasks(_ arguments: String...) throws -> Command {
            try Command(
                BuildProducts.durableTestbed, ["tasks"] + arguments + ["--task-store", place], in: folder,
                environment: ["SUDO_USER": "ada"])
        }

        /// Waits until a task has a state.
        func wait(for state: String, of id: String, in server: Server) throws {
            try waitUntil("the task is \(state): \(server.log.suffix(2_000))") {
                try server.ask(RawRequest("GET", "/tasks/\(id)")).http.json(Status.self).state == state
            }
        }

        func status(of id: String, in server: Server) throws -> Status {
            try server.ask(RawRequest("GET", "/our/tasks/\(id)")).http.json(Status.self)
        }
    }

    private struct Status: Decodable {
        var state: String
        var error: String?
        var attempts: Int
    }

    // MARK: Adding

    @Test(
        "A task that a task adds runs in any process, exactly if the first one is done",
        arguments: Store.allCases)
    func children(store: Store) throws {
        let site = try Site(store)
        let servers = try site.servers("one", "two")
        _ = try servers[0].add("/family?label=a&count=3&gate=go")
        _ = try site.folder.events("begun", reaches: 1)
        #expect(site.folder.events().isEmpty)
        // The attempt adds nothing when its process dies, and the next one does.
        servers[0].process.send(signal: SIGKILL)
        _ = try servers[0].process.waitForExit()
        _ = try site.folder.events("begun", reaches: 2)
        #expect(site.folder.events().isEmpty)
        try site.folder.open(gate: "go")
        #expect(Set(try site.folder.events(reaches: 3)) == ["a 1", "a 2", "a 3"])
        try site.end([servers[1]])
        #expect(site.folder.events().count == 3)
    }

    @Test(
        "tasks add checks the values, and a server takes the task, or finds it at its start",
        arguments: Store.allCases)
    func add(store: Store) throws {
        let site = try Site(store)
        let first = try site.tasks("add", "Step", #"{"label": "a", "number": 1}"#, "--unique", "k")
        #expect(first.exit == .status(0), "\(first.errors)")
        let again = try site.tasks("add", "Step", #"{"label": "b", "number": 1}"#, "--unique", "k")
        #expect(again.exit == .status(0) && again.output == first.output)
        #expect(again.errors.contains("has the key"))
        let servers = try site.servers("one")
        #expect(try site.folder.events(reaches: 1) == ["a 1"])
        let second = try site.tasks("add", "Step", #"{"label": "c", "number": 2}"#, "--priority", "low")
        #expect(try site.folder.events(reaches: 2) == ["a 1", "c 2"])
        let id = second.output.trimmingCharacters(in: .whitespacesAndNewlines)
        try site.wait(for: "done", of: id, in: servers[0])
        let delayed = try site.tasks("add", "Step", #"{"label": "d", "number": 3}"#, "--after", "1h")
        #expect(delayed.exit == .status(0))
        for (arguments, problem) in [
            (["Stepp", "{}"], "called `Stepp` (nearest: Step)"),
            (["Step", #"{"label": "a"}"#], "`number` is missing"),
            (["Step", #"{"label": 7, "number": 1}"#], "`label` is not text"),
            (["Step", #"{"label": "a", "number": 1, "gates": "x"}"#], "it has no member `gates`"),
        ] {
            let wrong = try site.tasks("add", arguments[0], arguments[1])
            #expect(wrong.exit == .status(1) && wrong.errors.contains(problem), "\(wrong.errors)")
        }
        #expect(try site.tasks("add", "Step", "{}", "--after", "soon").exit == .status(64))
        try site.end(servers)
        #expect(try site.tasks("list", "--state", "waiting").output.contains("Step"))
    }

    // MARK: Cancelling

    @Test(
        "A task that runs in another process is cancelled within a second, by command and in code",
        arguments: Store.allCases)
    func cancel(store: Store) throws {
        let site = try Site(store)
        let servers = try site.servers("one", "two")
        let clock = ContinuousClock()
        // The machine may be busy: of several cancellations, the fastest shows what a process takes.
        var times: [Duration] = []
        for round in 1...3 {
            let id = try #require(try servers[0].add("/single?label=a&gate=never").first)
            _ = try site.folder.events("begun", reaches: round)
            try site.wait(for: "running", of: id, in: servers[1])
            let since = clock.now
            let reply = try servers[1].ask(RawRequest("POST", "/cancel?id=\(id)"))
            #expect(try reply.http.json([String: Int].self) == ["count": 1])
            try site.wait(for: "cancelled", of: id, in: servers[1])
            times.append(clock.now - since)
            let status = try site.status(of: id, in: servers[1])
            #expect(status.attempts == 1 && status.error == "cancelled by the handler")
        }
        print("cancelled in another process (\(store)): \(times)")
        #expect(try #require(times.min()) < .seconds(1))

        let busy = try #require(try servers[0].add("/busy?label=b").first)
        _ = try site.folder.events("begun", reaches: 4)
        try site.wait(for: "running", of: busy, in: servers[1])
        let command = try site.tasks("cancel", busy)
        #expect(command.exit == .status(0) && command.output == "\(busy) is told to end\n")
        #expect(try site.folder.events(reaches: 1) == ["b saw it"])
        try site.wait(for: "cancelled", of: busy, in: servers[1])
        let over = try site.tasks("cancel", busy)
        #expect(over.exit == .status(1) && over.errors.contains("it is cancelled"))

        // What waits is cancelled as well, with what runs, by the name of the kind.
        let delayed = try #require(try servers[0].add("/single?label=c&after=3600000").first)
        let running = try #require(try servers[1].add("/single?label=d&gate=never").first)
        _ = try site.folder.events("begun", reaches: 5)
        let kind = try site.tasks("cancel", "--name", "Step")
        #expect(kind.output == "Step has 2 tasks that are cancelled\n", "\(kind.errors)")
        for id in [delayed, running] { try site.wait(for: "cancelled", of: id, in: servers[0]) }
        let actions = try site.tasks("actions")
        #expect(actions.output.contains("ada") && actions.output.contains("the handler"))
        #expect(actions.output.split(separator: "\n").count == 7, "\(actions.output)")
        try site.end(servers)
    }

    // MARK: Pausing

    @Test("A paused kind waits across restarts, also in the process that has it", arguments: Store.allCases)
    func pause(store: Store) throws {
        let site = try Site(store)
        var servers = try site.servers("one")
        let order = try servers[0].add("/order?label=a&count=2&gate=go")
        _ = try site.folder.events("begun", reaches: 1)
        #expect(try site.tasks("pause", "--name", "Step").output == "Step is paused\n")
        try waitUntil("the process knows: \(servers[0].log.suffix(2_000))") {
            servers[0].log.contains("what is paused or cancelled has changed")
        }
        try site.folder.open(gate: "go")
        // The running one ends, the next one does not begin, and ordinary tasks run.
        #expect(try site.folder.events(reaches: 2) == ["a 1", "a ordinary"])
        let later = try #require(try servers[0].add("/single?label=b").first)
        try site.end(servers)
        servers = try site.servers("two", "three")
        let free = try #require(try servers[0].add("/single?label=c&failures=0").first)
        try site.wait(for: "done", of: free, in: servers[1])
        for id in [order[1], later] {
            #expect(try site.status(of: id, in: servers[1]).state == "waiting")
        }
        #expect(site.folder.events() == ["a 1", "a ordinary", "c attempt 1"])
        #expect(try site.tasks("pause").output.contains("ada"))
        let json = try site.tasks("pause", "--json").output
        let paused = try #require(
            try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: [[String: String]]])[
                "paused"]
        #expect(paused?.first?["name"] == "Step" && paused?.first?["who"] == "ada", "\(json)")
        #expect(try site.tasks("pause", "--name", "Step").exit == .status(1))
        #expect(try site.tasks("resume", "--name", "Step").output == "Step is resumed\n")
        #expect(Set(try site.folder.events(reaches: 5).suffix(2)) == ["a 2", "b 1"])
        #expect(try site.tasks("pause", "--name", "Nobody").errors.contains("called `Nobody`"))
        try site.end(servers)
    }
}
