import Foundation
import PostludeRecordStoreFixtures
import Testing

/// Steps and errors of durable tasks whose process is killed or stopped, with each kind of store.
@Suite("Steps of durable tasks", .timeLimit(.minutes(10)))
struct StepTests {
    enum Store: CaseIterable { case file, database, postgreSQL }

    /// A store that survives the servers of a test.
    private final class Place {
        let folder: TestFolder
        private let store: Store
        private let postgreSQL: PostgreSQLFixture?

        init(_ store: Store) throws {
            folder = try TestFolder()
            self.store = store
            postgreSQL = store == .postgreSQL ? try PostgreSQLFixture() : nil
        }

        private var database: String { folder.file("shop.sqlite") }

        func run(ending: Server.Ending = .clean, grace: String = "5s", _ body: (Server) throws -> Void) throws
        {
            let settings = "workers: { min: 2, max: 8 }\nshutdown-grace: \(grace)"
            let manifest =
                store == .database
                ? TestManifest(settings, routes: DurableServer.routes)
                : DurableServer.manifest(in: folder, settings, place: postgreSQL?.place)
            try Server.run(
                manifest, in: folder, executable: BuildProducts.durableTestbed,
                environment: store == .database ? ["TESTBED_DATABASE": database] : [:], ending: ending, body)
        }

        /// Runs a server, and kills it when `body` has returned.
        func runKilled(_ body: (Server) throws -> Void) throws {
            try run(ending: .any) { server in
                try body(server)
                server.process.send(signal: SIGKILL)
                #expect(try server.process.waitForExit() == .signal(SIGKILL))
            }
        }
    }

    private struct Status: Decodable {
        struct Progress: Decodable {
            var fraction: Double
            var message: String
        }

        var state: String
        var attempts: Int
        var added: Date
        var due: Date
        var error: String?
        var result: String?
        var progress: Progress?
    }

    /// Waits until a task has a state.
    private func status(of id: String, is state: String, in server: Server) throws -> Status {
        try eventually("the task is \(state): \(server.log.suffix(2_000))", within: .seconds(60)) {
            () -> Status? in
            let reply = try server.ask(RawRequest("GET", "/our/tasks/\(id)"))
            let status = try reply.http.json(Status.self)
            return status.state == state ? status : nil
        }
    }

    private func add(_ label: String, then: String, to server: Server) throws -> [String] {
        try server.add("/journey?label=\(label)&then=\(then)")
    }

    @Test("After kill -9 a task continues after the steps that it has taken", arguments: Store.allCases)
    func killed(store: Store) throws {
        let place = try Place(store)
        var ids: [String] = []
        for round in 1...2 {
            try place.runKilled { server in
                if round == 1 { ids = try add("a", then: "wait", to: server) }
                let begun = try place.folder.events("begun", reaches: round)
                #expect(begun == (1...round).map { "a wait \($0)" })
                let status = try eventually("its progress is written") { () -> Status.Progress? in
                    let reply = try server.ask(RawRequest("GET", "/tasks/\(ids[0])"))
                    return try reply.http.json(Status.self).progress
                }
                #expect(status.fraction == 0.5 && status.message == "wait of a")
            }
        }
        try place.folder.open(gate: "go")
        try place.run { server in
            let status = try status(of: ids[0], is: "done", in: server)
            #expect(status.attempts == 3 && status.result.flatMap(UInt64.init) != nil)
            #expect(try place.folder.events(reaches: 3) == ["a packs", "a arrives", "a 2"])
        }
    }

    @Test("After kill -9 a loop continues where its cursor was saved last", arguments: Store.allCases)
    func cursor(store: Store) throws {
        let place = try Place(store)
        var ids: [String] = []
        try place.runKilled { server in
            ids = try add("a", then: "loop", to: server)
            #expect(try place.folder.events(reaches: 19).last == "a mile 18")
        }
        try place.folder.open(gate: "go")
        try place.run { server in
            _ = try status(of: ids[0], is: "done", in: server)
            // Saved at 5, 10 and 15.
            let miles = (Array(1...18) + Array(16...30)).map { "a mile \($0)" }
            #expect(place.folder.events().filter { $0.contains("mile") } == miles)
        }
    }

    @Test(
        "A sleeping task is in no process, also after kill -9; it has made one attempt, and those after it wait",
        arguments: Store.allCases)
    func sleep(store: Store) throws {
        let place = try Place(store)
        var ids: [String] = []
        try place.runKilled { server in
            ids = try add("a", then: "sleep", to: server)
            let asleep = try eventually("it sleeps") { () -> Status? in
                let status = try status(of: ids[0], is: "waiting", in: server)
                return status.due > status.added.addingTimeInterval(1.5) ? status : nil
            }
            #expect(asleep.attempts == 0 && asleep.error == nil)
            #expect(place.folder.events() == ["a packs"])
        }
        try place.run { server in
            let status = try status(of: ids[0], is: "done", in: server)
            #expect(status.attempts == 1)
            _ = try self.status(of: ids[1], is: "done", in: server)
            #expect(place.folder.events() == ["a packs", "a arrives", "a 2"])
            #expect(place.folder.events("begun") == ["a sleep 1", "a 2 began"])
        }
    }

    @Test("Snoozing costs no attempt, in any process", arguments: Store.allCases)
    func snooze(store: Store) throws {
        let place = try Place(store)
        var ids: [String] = []
        for round in 1...2 {
            try place.runKilled { server in
                if round == 1 { ids = try add("a", then: "snooze", to: server) }
                _ = try place.folder.events("begun", reaches: round * 5)
            }
        }
        try place.folder.open(gate: "go")
        try place.run { server in
            let status = try status(of: ids[0], is: "done", in: server)
            // At most one attempt of each process that was killed.
            #expect(status.attempts <= 3)
            #expect(Set(place.folder.events("begun").prefix(5)) == ["a snooze 1"])
            _ = try self.status(of: ids[1], is: "done", in: server)
            #expect(place.folder.events() == ["a packs", "a arrives", "a 2"])
        }
    }

    @Test("A task says when its next attempt follows, and discards itself", arguments: Store.allCases)
    func errors(store: Store) throws {
        let place = try Place(store)
        var retried: [String] = []
        try place.run { server in
            for (then, error) in [("discard", "nobody is there"), ("closed", "Closed()")] {
                let ids = try add(then, then: then, to: server)
                let status = try status(of: ids[0], is: "discarded", in: server)
                #expect(status.error == error && status.attempts == 1)
                let next = try self.status(of: ids[1], is: "discarded", in: server)
                #expect(next.error?.hasSuffix("before it was discarded") == true && next.attempts == 0)
            }
            retried = try add("a", then: "retry", to: server)
            let status = try eventually("it waits") { () -> Status? in
                let status = try self.status(of: retried[0], is: "waiting", in: server)
                return status.due > status.added.addingTimeInterval(3000) ? status : nil
            }
            #expect(status.error == "429" && status.attempts == 1)
        }
        // Also for the next process.
        try place.run { server in
            let status = try status(of: retried[0], is: "waiting", in: server)
            #expect(status.due > status.added.addingTimeInterval(3000) && status.attempts == 1)
            #expect(!place.folder.events().contains("a arrives"))
        }
    }

    @Test("Attempts that are interrupted by the end of their process cost nothing", arguments: Store.allCases)
    func stopped(store: Store) throws {
        let place = try Place(store)
        var ids: [String] = []
        for round in 1...5 {
            try place.run(ending: .any, grace: "100ms") { server in
                if round == 1 { ids = try add("a", then: "wait", to: server) }
                _ = try place.folder.events("begun", reaches: round)
                server.process.send(signal: SIGTERM)
                _ = try server.process.waitForExit()
            }
        }
        try place.folder.open(gate: "go")
        try place.run { server in
            let status = try status(of: ids[0], is: "done", in: server)
            #expect(status.attempts == 1)
            // The task after it may have begun by now.
            #expect(Set(place.folder.events("begun")).subtracting(["a 2 began"]) == ["a wait 1"])
            #expect(place.folder.events().first == "a packs")
        }
    }

    @Test("`tasks list` and `tasks show` have the progress, and the names of the steps")
    func commands() throws {
        let place = try Place(.file)
        try place.run { server in
            let id = try #require(try add("a", then: "wait", to: server).first)
            func tasks(_ arguments: String...) throws -> String {
                let command = try Command(
                    BuildProducts.durableTestbed,
                    ["tasks"] + arguments + ["--task-store", place.folder.file("tasks.sqlite")],
                    in: place.folder)
                #expect(command.exit == .status(0))
                return command.output
            }
            let list = try eventually("its progress is listed") { () -> String? in
                let list = try tasks("list")
                return list.contains("50 % wait of a") ? list : nil
            }
            #expect(list.contains("PROGRESS"))
            #expect(try tasks("list", "--json").contains("\"message\" : \"wait of a\""))
            let shown = try tasks("show", id)
            #expect(shown.contains("progress    50 % wait of a") && shown.contains("steps       pack"))
            try place.folder.open(gate: "go")
            _ = try status(of: id, is: "done", in: server)
            #expect(try tasks("show", id).contains("steps       pack, wait"))
        }
    }
}
