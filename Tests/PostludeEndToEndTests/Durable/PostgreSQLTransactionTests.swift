import Foundation
import PostludeRecordStoreFixtures
import Testing

/// Rows of the application, durable tasks and their effects, in one PostgreSQL database.
@Suite("One transaction in PostgreSQL", .timeLimit(.minutes(10)))
struct PostgreSQLTransactionTests {
    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /place, method: POST, handler: place, idempotency: { key: optional, keep: 1h } }
          - { path: /late, method: POST, handler: place, limits: { request-timeout: 100ms } }
          - { path: /write, method: POST, handler: write }
        """

    private let folder: TestFolder
    private let server: PostgreSQLServer
    private let fixture: PostgreSQLFixture

    init() throws {
        folder = try TestFolder()
        server = try PostgreSQLServer()
        fixture = try PostgreSQLFixture(on: server)
        _ = try fixture.query(
            """
            CREATE TABLE placed (number bigint GENERATED ALWAYS AS IDENTITY, label text NOT NULL);
            CREATE TABLE booked (label text NOT NULL)
            """)
    }

    private func run(
        _ settings: String = "workers: { min: 2, max: 8 }", lockTimeout: String = "5s",
        isSupervised: Bool = false, ending: Server.Ending = .clean, _ body: (Server) throws -> Void
    ) throws {
        try? FileManager.default.removeItem(atPath: folder.file("app.socket"))
        let taskStore = "task-store: { path: \"\(fixture.place)\", lock-timeout: \(lockTimeout) }"
        try Server.run(
            TestManifest("\(settings)\n\(taskStore)", routes: Self.routes), in: folder,
            executable: BuildProducts.durableTestbed,
            environment: ["TESTBED_POSTGRESQL": fixture.place, "SWIFT_BACKTRACE": "enable=no"],
            isSupervised: isSupervised, ending: ending, body)
    }

    private var placed: [String] {
        get throws { try fixture.query("SELECT label FROM placed ORDER BY label") }
    }
    private var booked: [String] {
        get throws { try fixture.query("SELECT label FROM booked ORDER BY label") }
    }

    /// The labels of the tasks.
    private func records(_ condition: String = "true") throws -> [String] {
        try fixture.query(
            """
            SELECT convert_from(payload, 'UTF8')::json->>'label' AS label FROM postlude.record WHERE \(condition)
            ORDER BY label
            """)
    }

    private func awaitEnd(of server: Server) throws {
        try waitUntil("no task is left: \(server.log.suffix(2_000))", within: .seconds(120)) {
            try records("state NOT IN (2, 3)").isEmpty
        }
    }

    private static func request(_ target: String, key: String? = nil) -> RawRequest {
        RawRequest("POST", target).with {
            if let key { $0.parameters.append(("HTTP_IDEMPOTENCY_KEY", key)) }
        }
    }

    @Test("After kill -9 at any moment, there are a row, its task and its effect, once each, or nothing")
    func killed() throws {
        let settings = "workers: { min: 4, max: 8 }\nprocesses: { count: 2 }"
        try run(settings, isSupervised: true) { server in
            try waitUntil("both are ready: \(server.log)") {
                server.logCount(of: "a process is ready") == 2
            }
            let accepted = try SentRequests.sendWhileKilled(server)
            try awaitEnd(of: server)
            let placed = try placed
            #expect(server.logCount(of: "a process has died") > 4)
            #expect(Set(placed).isSuperset(of: Set(accepted.labels)))
            #expect(placed.count == Set(placed).count && placed.count > 100)
            // A task whose process was killed three times while it ran is a dead letter, and has no effect.
            #expect(try records() == placed)
            #expect(try booked == records("state = 2"))
        }
    }

    @Test(
        "After kill -9 between the handler's statements and the commit, nothing is there, and a repetition does it once"
    )
    func killedInHandler() throws {
        try run(ending: .any) { server in
            try server.peer().send(Self.request("/place?label=a&gate=go", key: "k"))
            _ = try folder.events("handled", reaches: 1)
            server.process.send(signal: SIGKILL)
            #expect(try server.process.waitForExit() == .signal(SIGKILL))
        }
        #expect(try placed.isEmpty && records().isEmpty)
        try folder.open(gate: "go")
        try run { server in
            let first = try server.ask(Self.request("/place?label=a&gate=go", key: "k"))
            let second = try server.ask(Self.request("/place?label=a&gate=go", key: "k"))
            #expect(first.status == 202 && second.stdout == first.stdout)
            try awaitEnd(of: server)
            #expect(try placed == ["a"] && booked == ["a"] && records("state = 2") == ["a"])
        }
    }

    @Test(
        "If the server stops at once while a handler is in its transaction, the answer is 503, and nothing is there"
    )
    func stopped() throws {
        try run(lockTimeout: "1s") { server in
            let peer = try server.peer()
            try peer.send(Self.request("/place?label=a&gate=go"))
            _ = try folder.events("handled", reaches: 1)
            try self.server.stop()
            let refused = try server.ask(Self.request("/place?label=b"))
            #expect(refused.status == 503 && refused.http.field("retry-after") != nil)
            try self.server.start()
            try folder.open(gate: "go")
            let reply = try peer.reply()
            #expect(
                reply.status == 503 && reply.http.field("retry-after") != nil, "\(server.log.suffix(2_000))")
            #expect(reply.http.field("task-id") == nil)
            #expect(try placed.isEmpty && records().isEmpty)
            #expect(try server.ask(Self.request("/place?label=c")).status == 202)
            try awaitEnd(of: server)
            #expect(try placed == ["c"] && booked == ["c"])
        }
    }

    @Test("The server stops at once and comes back under load: 202 or 503, and never a part of a request")
    func restarts() throws {
        try run(lockTimeout: "2s") { server in
            var accepted: Set<String> = []
            var refused: Set<String> = []
            for round in 1...3 {
                let stopping = Thread { [self] in
                    usleep(UInt32.random(in: 0..<30_000))
                    try? self.server.stop()
                    try? self.server.start()
                }
                stopping.start()
                for number in 1...40 {
                    let label = "\(round)-\(number)"
                    let target = number % 3 == 0 ? "/write" : "/place"
                    let reply = try server.ask(Self.request("\(target)?label=\(label)"))
                    // The application does not turn the errors of its own transaction into 503.
                    if reply.status == 202 { accepted.insert(label) } else { refused.insert(label) }
                    #expect([202, 503].contains(reply.status) || number % 3 == 0 && reply.status == 500)
                }
                try waitUntil("the server is back") { stopping.isFinished }
            }
            try awaitEnd(of: server)
            let placed = try placed
            #expect(accepted.isSubset(of: placed) && placed.count == Set(placed).count)
            #expect(try records() == placed && booked == placed)
            // Those that are refused are not there, unless the log says that this is not known.
            let unknown = server.logCount(of: "is not known")
            #expect(refused.intersection(placed).count <= unknown)
            #expect(!accepted.isEmpty)
            print("restarts: \(accepted.count) accepted, \(refused.count) refused, \(unknown) unknown")
        }
    }

    @Test("A handler that is late has written nothing, and holds no lock")
    func late() throws {
        try run { server in
            let reply = try server.ask(Self.request("/late?label=late&gate=go"))
            #expect(reply.status == 504)
            try folder.open(gate: "go")
            #expect(try server.ask(Self.request("/place?label=next")).status == 202)
            try awaitEnd(of: server)
            try waitUntil("no transaction is open") {
                try fixture.query(
                    "SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
                ).isEmpty
            }
            #expect(try placed == ["next"] && booked == ["next"])
        }
    }

    @Test("check refuses a file for handlers with transactions of PostgreSQL")
    func check() throws {
        let manifest = TestManifest(
            "task-store: { path: \(folder.file("tasks.sqlite")) }", routes: Self.routes)
        try folder.write("routes.yaml", manifest.text)
        let check = try Command(
            BuildProducts.durableTestbed, ["check", "--manifest", folder.file("routes.yaml")], in: folder,
            environment: ["TESTBED_POSTGRESQL": fixture.place])
        #expect(check.exit != .status(0))
        #expect((check.output + check.errors).contains("Transaction<PostgreSQL> is not possible"))
    }
}
