import Foundation
import PostludeSystem
import Testing

/// Rows of the application, durable tasks and their effects, in one database.
@Suite("One transaction", .timeLimit(.minutes(10)))
struct OneTransactionTests {
    private static let routes = """
          - { path: /hello, method: GET, handler: hello }
          - { path: /place, method: POST, handler: place }
          - { path: /late, method: POST, handler: place, limits: { request-timeout: 100ms } }
          - { path: /write, method: POST, handler: write }
        """

    private let folder: TestFolder
    private let database: SQLiteFile

    init() throws {
        folder = try TestFolder()
        database = SQLiteFile("shop.sqlite", in: folder)
    }

    private var environment: [String: String] {
        ["TESTBED_DATABASE": database.path, "SWIFT_BACKTRACE": "enable=no"]
    }

    private func run(_ settings: String, isSupervised: Bool = false, _ body: (Server) throws -> Void) throws {
        try Server.run(
            TestManifest(settings, routes: Self.routes), in: folder, executable: BuildProducts.durableTestbed,
            environment: environment, isSupervised: isSupervised, body)
    }

    @Test("After kill -9 at any moment, there are a row, its task and its effect, once each, or nothing")
    func killed() throws {
        let settings = "workers: { min: 4, max: 8 }\nprocesses: { count: 2 }\ntask-store: { keep: 168h }"
        try run(settings, isSupervised: true) { server in
            try waitUntil("both are ready: \(server.log)") {
                server.logCount(of: "a process is ready") == 2
            }
            let accepted = try SentRequests.sendWhileKilled(server)
            try waitUntil("no task is left: \(server.log)", within: .seconds(120)) {
                try database.sqlite3("SELECT count(*) FROM postlude_record WHERE state NOT IN (2, 3)") == [
                    "0"
                ]
            }
            let placed = try database.sqlite3("SELECT label FROM placed ORDER BY label")
            #expect(server.logCount(of: "a process has died") > 4)
            #expect(Set(placed).isSuperset(of: Set(accepted.labels)))
            #expect(placed.count == Set(placed).count && placed.count > 100)
            // A task whose process was killed three times while it ran is a dead letter, and has no effect.
            let records = "SELECT json_extract(payload, '$.label') AS label FROM postlude_record"
            #expect(try database.sqlite3("\(records) ORDER BY label") == placed)
            #expect(
                try database.sqlite3("SELECT label FROM booked ORDER BY label")
                    == database.sqlite3("\(records) WHERE state = 2 ORDER BY label"))
        }
    }

    @Test("A handler that is late has written nothing, and the next one has the lock")
    func late() throws {
        try run("workers: { min: 2, max: 4 }") { server in
            let reply = try server.ask(RawRequest("POST", "/late?label=late&gate=go"))
            #expect(reply.status == 504)
            try folder.open(gate: "go")
            #expect(try server.ask(RawRequest("POST", "/place?label=next")).status == 202)
            try waitUntil("its task is done") { try database.sqlite3("SELECT * FROM booked") == ["next"] }
            #expect(try database.sqlite3("SELECT label FROM placed") == ["next"])
        }
    }

    @Test("If another program holds the lock for too long, the response is 503 with Retry-After")
    func locked() throws {
        try run("task-store: { lock-timeout: 100ms }") { server in
            try database.whileLocked {
                let reply = try server.ask(RawRequest("POST", "/place?label=a"))
                #expect(reply.status == 503 && reply.http.field("retry-after") != nil)
            }
            #expect(try server.ask(RawRequest("POST", "/place?label=b")).status == 202)
            #expect(try database.sqlite3("SELECT label FROM placed") == ["b"])
        }
    }

    @Test("check, tasks and the status page find the tasks in the application's database")
    func commands() throws {
        let socket = Endpoint.unix(folder.file("status.socket"))
        try run("status: { listen: \(socket), mode: '0666' }") { server in
            let check = try Command(
                server.executable, ["check"], in: folder, environment: environment)
            #expect(check.exit == .status(0), "\(check.errors)")
            #expect(try server.ask(RawRequest("POST", "/write?label=a")).status == 202)
            try waitUntil("it is done") { try database.sqlite3("SELECT * FROM booked") == ["a"] }
            let list = try Command(
                server.executable, ["tasks", "list", "--state", "done"], in: folder, environment: environment)
            #expect(list.output.contains("Booking"), "\(list.output)\(list.errors)")
            let other = try Command(
                server.executable, ["tasks", "list", "--task-store", "a"], in: folder,
                environment: environment)
            #expect(other.errors.contains("the tasks are in the application's database"))
            let report = try StatusTests.report(at: socket)
            #expect(report["durable tasks"] != nil)
        }
    }
}

/// The requests that were sent, and the labels of those that were answered 202.
final class SentRequests: Sendable {
    private let state = Lock((sent: 0, labels: [String]()))

    var sent: Int { state.withLock { $0.sent } }
    var labels: [String] { state.withLock { $0.labels } }

    /// Lets four clients send 240 requests through nginx, while one of the server's processes is killed after each ten requests
    /// or so, whatever it is doing then.
    ///
    /// - Returns: what was sent, and the labels of the requests that were accepted.
    static func sendWhileKilled(_ server: Server) throws -> SentRequests {
        let sent = SentRequests()
        try NginxServer.run(to: server) { nginx in
            let port = nginx.port
            let clients = (0..<4).map { client in
                Thread {
                    for number in 0..<60 {
                        let label = "\(client)-\(number)"
                        let target = number % 2 == 0 ? "/place" : "/write"
                        // A request of a process that is killed is answered 502, or not at all.
                        let reply = try? HTTPClient(port: port).ask("POST", "\(target)?label=\(label)")
                        sent.note(label, isAccepted: reply?.status == 202)
                    }
                }
            }
            for client in clients { client.start() }
            var next = 10
            try waitUntil("all clients have ended: \(server.log)", within: .seconds(240)) {
                if sent.sent >= next, let child = server.children.randomElement() {
                    kill(child, SIGKILL)
                    next += 10
                }
                return sent.sent == 240
            }
        }
        return sent
    }

    func note(_ label: String, isAccepted: Bool) {
        state.withLock { state in
            state.sent += 1
            if isAccepted { state.labels.append(label) }
        }
    }
}
