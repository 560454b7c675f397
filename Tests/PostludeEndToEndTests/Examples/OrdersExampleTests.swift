import Foundation
import PostludeBrokerFixtures
import PostludeRecordStoreFixtures
import PostludeSystem
import Testing

@Suite("The orders example")
struct OrdersExampleTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try FileManager.default.createDirectory(
            atPath: folder.file("state"), withIntermediateDirectories: true)
    }

    private func run(
        settings: String = "", isSupervised: Bool = false, ending: Server.Ending = .clean,
        _ body: (Server, NginxServer) throws -> Void
    ) throws {
        try? FileManager.default.removeItem(atPath: folder.file("app.socket"))
        try Example(
            name: "orders", environment: environment, settings: settings, ending: ending,
            isSupervised: isSupervised
        ).run(in: folder, body)
    }

    private var environment: [String: String] {
        ["STATE_DIRECTORY": folder.file("state"), "MAIL_FOLDER": folder.file("mail")]
    }

    private struct Order: Decodable, Equatable {
        struct Step: Decodable, Equatable {
            var id: String
            var state: String
            var attempts: Int
            var result: String?
        }

        var id: String
        var charge: Step
        var receipt: Step
        var ledger: Step

        var states: [String] { [charge, receipt, ledger].map(\.state) }
    }

    private func place(_ json: String, at nginx: NginxServer) throws -> HTTPReply {
        try nginx.client().ask("POST", "/orders", json: json)
    }

    /// Waits until an order has a given state.
    private func order(_ id: String, at nginx: NginxServer, until isSoFar: (Order) -> Bool) throws -> Order {
        try eventually("order \(id) is so far") {
            let reply = try nginx.client().ask("GET", "/orders/\(id)")
            let order = try reply.json(Order.self)
            return isSoFar(order) ? order : nil
        }
    }

    private var mails: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.file("mail")).sorted()) ?? []
    }

    private func rows(_ table: String) throws -> [String] {
        try SQLiteFile("state/orders.sqlite", in: folder).sqlite3(
            "SELECT placed_order FROM \(table) ORDER BY 1")
    }

    @Test("202 once the tasks are in the task store; then all three run, and their results are shown")
    func placed() throws {
        try run { _, nginx in
            let reply = try place(#"{"id": 17, "email": "ada@example.org"}"#, at: nginx)
            #expect(reply.status == 202)
            #expect(reply.field("location") == "/orders/17")
            let ids = try #require(reply.field("task-id")).components(separatedBy: ", ")
            let order = try order("17", at: nginx) { $0.states == ["done", "done", "done"] }
            #expect([order.charge.id, order.receipt.id, order.ledger.id] == ids)
            #expect(order.charge.result == "charge 1")
            #expect(order.receipt.result == "sent to ada@example.org")
            #expect(order.ledger.result == "entry 1")
            #expect(mails == [ids[1].uppercased() + ".eml"])

            let again = try place(#"{"id": "17", "email": "eve@example.org"}"#, at: nginx)
            #expect(again.status == 200)
            #expect(try again.json(Order.self) == order)
            #expect(try rows("charge") == ["17"])
        }
    }

    @Test("While the provider is unreachable nothing is lost, neither by kill -9 nor by a restart")
    func providerAway() throws {
        try folder.write("provider-is-away", "")
        try run(ending: .any) { server, nginx in
            for id in 1...5 {
                let reply = try place(#"{"id": \#(id), "email": "ada@example.org"}"#, at: nginx)
                #expect(reply.status == 202)
            }
            let order = try order("1", at: nginx) { $0.charge.attempts > 0 && $0.charge.state == "waiting" }
            #expect(order.states == ["waiting", "waiting", "waiting"], "the others wait for the charge")
            server.process.send(signal: SIGKILL)
            _ = try server.process.waitForExit()
        }
        try FileManager.default.removeItem(atPath: folder.file("provider-is-away"))
        try run { _, nginx in
            for id in 1...5 { _ = try order("\(id)", at: nginx) { $0.states == ["done", "done", "done"] } }
        }
        #expect(try rows("charge") == (1...5).map { "\($0)" })
        #expect(try rows("ledger") == (1...5).map { "\($0)" })
        #expect(mails.count == 5)
    }

    @Test("If 16 identical requests arrive at the same moment at two processes, one places the order")
    func atOnce() throws {
        let orders = (1...25).map { "order-\($0)" }
        try run(settings: "processes: { count: 2 }", isSupervised: true) { _, nginx in
            let port = nginx.port
            for order in orders {
                let all = Lock<[HTTPReply]>([])
                DispatchQueue.concurrentPerform(iterations: 16) { _ in
                    let json = #"{"id": "\#(order)", "email": "ada@example.org"}"#
                    if let client = try? HTTPClient(port: port),
                        let reply = try? client.ask("POST", "/orders", json: json)
                    {
                        all.withLock { $0.append(reply) }
                    }
                }
                let replies = all.withLock(\.self)
                let statuses = replies.map(\.status).sorted()
                #expect(statuses == Array(repeating: 200, count: 15) + [202], "\(order)")
                let accepted = replies.first { $0.status == 202 }?.field("task-id")?.components(
                    separatedBy: ", ")
                #expect(accepted?.count == 3)
                for reply in replies where reply.status == 200 {
                    let order = try reply.json(Order.self)
                    #expect([order.charge.id, order.receipt.id, order.ledger.id] == accepted)
                }
            }
            for id in orders { _ = try order(id, at: nginx) { $0.states == ["done", "done", "done"] } }
        }
        #expect(try rows("charge") == orders.sorted())
        #expect(try rows("ledger") == orders.sorted())
        #expect(mails.count == orders.count)
    }

    @Test("No receipt is sent for an unpaid order, also after kill -9; a retry sends it")
    func notPaid() throws {
        let settings = "durable-tasks: { Charge: { attempts: 1 } }"
        try folder.write("provider-is-away", "")
        try run(settings: settings, ending: .any) { server, nginx in
            for id in 1...20 {
                #expect(try place(#"{"id": \#(id), "email": "ada@example.org"}"#, at: nginx).status == 202)
            }
            // Some charges have failed, others are running or still to come.
            _ = try order("1", at: nginx) { $0.charge.state == "failed" }
            server.process.send(signal: SIGKILL)
            _ = try server.process.waitForExit()
        }
        try run(settings: settings) { _, nginx in
            for id in 1...20 {
                let order = try order("\(id)", at: nginx) { $0.states == ["failed", "failed", "failed"] }
                #expect(order.receipt.attempts == 0 && order.ledger.attempts == 0)
            }
            #expect(try mails.isEmpty && rows("charge").isEmpty && rows("ledger").isEmpty)
            let again = try place(#"{"id": 1, "email": "ada@example.org"}"#, at: nginx)
            #expect(try again.status == 200 && again.json(Order.self).states.allSatisfy { $0 == "failed" })

            try FileManager.default.removeItem(atPath: folder.file("provider-is-away"))
            let retry = try Command(
                BuildProducts.example("orders"),
                ["tasks", "retry", "--failed", "--task-store", folder.file("state/orders.sqlite")], in: folder
            )
            #expect(retry.exit == .status(0), "\(retry.errors)")
            for id in 1...20 { _ = try order("\(id)", at: nginx) { $0.states == ["done", "done", "done"] } }
        }
        #expect(try rows("charge").count == 20 && rows("ledger").count == 20)
        #expect(mails.count == 20)
    }

    @Test(
        "A repetition with the same Idempotency-Key gets the same bytes, also after kill -9; another order is 422"
    )
    func doubleClick() throws {
        func place(_ id: Int, at nginx: NginxServer) throws -> HTTPReply {
            try nginx.client().ask(
                "POST", "/orders",
                fields: ["Content-Type: application/json", "Idempotency-Key: \"click-1\""],
                body: Array(#"{"id": \#(id), "email": "ada@example.org"}"#.utf8))
        }
        var first: HTTPReply?
        try run(ending: .any) { server, nginx in
            first = try place(19, at: nginx)
            #expect(first?.status == 202)
            server.process.send(signal: SIGKILL)
            _ = try server.process.waitForExit()
        }
        try run { _, nginx in
            let again = try place(19, at: nginx)
            #expect(again.status == 202 && again.body == first?.body)
            #expect(again.field("task-id") == first?.field("task-id") && again.field("task-id") != nil)
            #expect(try place(20, at: nginx).status == 422)
            _ = try order("19", at: nginx) { $0.states == ["done", "done", "done"] }
        }
        #expect(try rows("charge") == ["19"] && rows("ledger") == ["19"])
    }

    @Test(
        "With the README's line in the manifest, two servers share PostgreSQL; one takes over what the other leaves"
    )
    func secondMachine() throws {
        let fixture = try PostgreSQLFixture()
        let written = try line("task-store:")
        #expect(written == #"task-store: { path: "postgresql:///orders", keep: 720h }"#)
        let taskStore = written.replacingOccurrences(of: "postgresql:///orders", with: fixture.place)
        let text = try Example(name: "orders").manifest.text.split(separator: "\n").map {
            $0.hasPrefix("task-store:") ? taskStore : String($0)
        }.joined(separator: "\n")
        let servers = try ["one", "two"].map { name in
            // Each has a status socket of its own.
            try FileManager.default.createDirectory(
                atPath: folder.file(name), withIntermediateDirectories: true)
            let variables = environment.merging(["RUNTIME_DIRECTORY": folder.file(name)]) { own, _ in own }
            let server = try Server(
                TestManifest(text: text), in: folder, at: .unix(folder.file(name + ".socket")),
                executable: BuildProducts.example("orders"), environment: variables)
            try waitUntil("it answers: \(server.log.suffix(2_000))") {
                (try? server.ask(RawRequest("GET", "/")))?.status == 200
            }
            return server
        }
        func place(_ id: Int, at server: Server) throws -> FastCGIReply {
            try server.ask(
                RawRequest("POST", "/orders").with {
                    $0.body = Array(#"{"id": \#(id), "email": "ada@example.org"}"#.utf8)
                    $0.parameters.append(("CONTENT_TYPE", "application/json"))
                    $0.parameters.append(("HTTP_IDEMPOTENCY_KEY", "click-\(id)"))
                })
        }
        try folder.write("provider-is-away", "")
        let replies = try (1...10).map { try place($0, at: servers[0]) }
        #expect(replies.allSatisfy { $0.status == 202 })
        for (id, reply) in zip(1..., replies) {
            #expect(try place(id, at: servers[1]).stdout == reply.stdout)
        }
        servers[0].process.send(signal: SIGKILL)
        _ = try servers[0].process.waitForExit()
        try FileManager.default.removeItem(atPath: folder.file("provider-is-away"))
        try waitUntil("all are done: \(servers[1].log.suffix(2_000))", within: .seconds(60)) {
            try fixture.query("SELECT 1 FROM postlude.record WHERE state <> 2").isEmpty
        }
        let orders = (1...10).map(String.init)
        for table in ["charge", "ledger"] {
            let rows = try fixture.query("SELECT placed_order FROM \(table) ORDER BY placed_order::int")
            #expect(rows == orders)
        }
        #expect(mails.count == 10)
        servers[1].process.send(signal: SIGTERM)
        #expect(try servers[1].process.waitForExit() == .status(0), "\(servers[1].log.suffix(2_000))")
    }

    /// A line in the example's README.
    private func line(_ start: String) throws -> String {
        let path = BuildProducts.repository + "/examples/orders/README.md"
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
        return try #require(lines.first { $0.hasPrefix(start) })
    }

    @Test("The README's line moves the receipts to a queue; the program works on it, also on another machine")
    func moved() throws {
        let redis = try RedisServer()
        let environment = [
            "BROKER_URL": redis.url, "RESULTS_URL": "redis://127.0.0.1:\(redis.port)/1",
            "STATE_DIRECTORY": folder.file("state"),
        ]
        let example = Example(name: "orders", environment: environment, settings: try line("durable-tasks:"))
        try example.run(in: folder) { _, nginx in
            try folder.write("provider-is-away", "")
            #expect(try place(#"{"id": 17, "email": "ada@example.org"}"#, at: nginx).status == 202)
            let unpaid = try order("17", at: nginx) { $0.charge.attempts > 0 && $0.charge.state == "waiting" }
            #expect(unpaid.states == ["waiting", "waiting", "waiting"], "the receipt has not left")
            try FileManager.default.removeItem(atPath: folder.file("provider-is-away"))
            let waiting = try order("17", at: nginx) { $0.states == ["done", "published", "done"] }
            let other = try TestFolder()
            try other.write("routes.yaml", try example.manifest.text)
            let work = WorkProcess(
                process: try ChildProcess(
                    example.executable, ["work", "--queue", "receipts"],
                    environment: environment.merging(["STATE_DIRECTORY": other.file("state")]) { $1 },
                    output: other.file("work.log"), errors: other.file("work.log"), directory: other.path),
                folder: other, logName: "work.log")
            let order = try order("17", at: nginx) { $0.states == ["done", "done", "done"] }
            #expect(
                order.receipt.id == waiting.receipt.id && order.receipt.result == "sent to ada@example.org")
            let mails = try FileManager.default.contentsOfDirectory(atPath: other.file("mail"))
            #expect(mails == [order.receipt.id.uppercased() + ".eml"] && self.mails.isEmpty)
            #expect(try work.end() == .status(0))
        }
    }

    @Test("Invalid orders are refused, and unknown ones are not found")
    func refused() throws {
        try run { _, nginx in
            for json in [
                #"{"id": "a b", "email": "ada@example.org"}"#, #"{"id": "", "email": "ada@example.org"}"#,
                #"{"id": 1, "email": "nobody"}"#, #"{"email": "ada@example.org"}"#,
            ] {
                let reply = try place(json, at: nginx)
                #expect(reply.status == 422, "\(json)")
            }
            let client = try nginx.client()
            #expect(try client.ask("GET", "/orders/404").status == 404)
            #expect(try client.ask("GET", "/orders/a%20b").status == 422)
        }
    }
}
