import Foundation
import PostludeRecordStoreFixtures
import Testing

@Suite("Durable tasks in PostgreSQL")
struct PostgreSQLTaskTests {
    /// Servers of one database, each with a socket of its own. Their tasks write to the same folder.
    private func servers(
        _ names: [String], on fixture: PostgreSQLFixture, in folder: TestFolder, lockTimeout: String = "5s"
    ) throws -> [Server] {
        let manifest = DurableServer.manifest(
            in: folder, taskStore: "lock-timeout: \(lockTimeout)", place: fixture.place)
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

    private func end(_ servers: [Server]) throws {
        for server in servers {
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit() == .status(0), "\(server.log.suffix(2_000))")
        }
    }

    @Test("A request's tasks run on its worker; another process takes over those of one that dies")
    func takeOver() throws {
        let folder = try TestFolder()
        let fixture = try PostgreSQLFixture()
        let servers = try servers(["one", "two"], on: fixture, in: folder)
        _ = try servers[0].add("/order?label=a&count=3")
        #expect(try folder.events(reaches: 4) == ["a 1", "a 2", "a 3", "a ordinary"])
        for number in 1...20 { _ = try servers[0].add("/order?label=\(number)&count=2&gate=go") }
        try folder.open(gate: "go")
        servers[0].process.send(signal: SIGKILL)
        _ = try servers[0].process.waitForExit()
        try waitUntil("all have run: \(folder.events().count)") {
            Set(folder.events().filter { !$0.hasSuffix("ordinary") }).count == 43
        }
        try waitUntil("all are noted") {
            try fixture.query("SELECT 1 FROM postlude.record WHERE state <> 2").isEmpty
        }
        try end([servers[1]])
        #expect(!servers[1].log.contains("dbname="), "the log names the place, and not the address")
    }

    @Test("A task that another program enqueues is claimed at once, and its transaction decides")
    func enqueue() throws {
        let folder = try TestFolder()
        let fixture = try PostgreSQLFixture()
        let servers = try servers(["one"], on: fixture, in: folder)
        _ = try fixture.query(
            """
            BEGIN; SELECT postlude.enqueue('Step', '{"label": "no", "number": 1}'); ROLLBACK;
            BEGIN; SELECT postlude.enqueue('Step', '{"label": "sql", "number": 1}');
            SELECT postlude.enqueue('Step', '{"label": "sql", "number": 2}'); COMMIT
            """)
        #expect(try folder.events(reaches: 2) == ["sql 1", "sql 2"])
        try end(servers)
    }

    @Test("The server restarts under load: 202 or 503, nothing is lost, and no task is noted twice")
    func restart() throws {
        let folder = try TestFolder()
        let postgreSQL = try PostgreSQLServer()
        let fixture = try PostgreSQLFixture(on: postgreSQL)
        let servers = try servers(["one", "two"], on: fixture, in: folder, lockTimeout: "1s")
        var accepted: Set<String> = []
        var refused = 0
        for round in 1...3 {
            for number in 1...40 {
                if number == 15 { try postgreSQL.stop() }
                if number == 17 { try postgreSQL.start() }
                let label = "\(round)-\(number)"
                let reply = try servers[number % 2].ask(RawRequest("POST", "/single?label=\(label)"))
                if reply.status == 202 { accepted.insert("\(label) 1") } else { refused += 1 }
                #expect([202, 503].contains(reply.status))
            }
        }
        try waitUntil("all accepted tasks have run: \(accepted.subtracting(folder.events()))") {
            accepted.isSubset(of: folder.events())
        }
        try waitUntil("all are noted") {
            try fixture.query("SELECT 1 FROM postlude.record WHERE state <> 2").isEmpty
        }
        #expect(Set(folder.events()).count == folder.events().count, "no task has run twice")
        #expect(refused > 0 && refused < 60)
        print("restarts: \(accepted.count) accepted, \(refused) refused")
        try end(servers)
    }
}
