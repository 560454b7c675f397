import Foundation
import Testing

@Suite("The analytics example")
struct AnalyticsExampleTests {
    private let folder: TestFolder
    private let file: SQLiteFile

    init() throws {
        folder = try TestFolder()
        file = SQLiteFile("analytics.sqlite", in: folder)
    }

    private func run(_ body: (Server, NginxServer) throws -> Void) throws {
        try Example(name: "analytics", environment: ["ANALYTICS_DATABASE": file.path]).run(in: folder, body)
    }

    private func awaitRows(_ count: Int) throws {
        try waitUntil("\(count) accesses are logged") {
            // The table is created by the first access.
            (try? file.sqlite3("SELECT COUNT(*) FROM access")) == ["\(count)"]
        }
    }

    private struct Statistics: Decodable {
        struct Minute: Decodable {
            var start: Date
            var requests: Int
            var errors: Int
        }
        var minutes: [Minute]
        var requests: Int
        var errors: Int
        var mean_milliseconds: Double?
    }

    @Test("Every access is a row with time, path, status, user agent and duration")
    func logs() throws {
        let start = Date()
        try run { _, nginx in
            let client = try nginx.client()
            #expect(try client.ask("GET", "/api/stats").json(Statistics.self).mean_milliseconds == nil)
            let answer = try client.ask("GET", "/api/data", fields: ["User-Agent: one"])
            #expect(answer.status == 200 && answer.text.contains("temperature"), "\(answer.text)")
            try awaitRows(1)
            #expect(try client.ask("GET", "/api/data?series=rain").status == 404)
            try awaitRows(2)
            let long = "User-Agent: " + String(repeating: "ü", count: 1_000)
            _ = try client.ask("GET", "/api/data?series=humidity", fields: [long])
            try awaitRows(3)

            let rows = try file.sqlite3(
                "SELECT path, status, ifnull(user_agent, 'none') FROM access ORDER BY id")
            let cut = String(repeating: "ü", count: 200)
            #expect(rows == ["/api/data|200|one", "/api/data|404|none", "/api/data|200|\(cut)"])
            let sound = try file.sqlite3(
                """
                SELECT COUNT(*) FROM access WHERE typeof(time) = 'integer' AND milliseconds BETWEEN 0 AND 20000
                AND time BETWEEN \(Int(start.timeIntervalSince1970 * 1000)) \
                AND \(Int(Date().timeIntervalSince1970 * 1000) + 1)
                """)
            #expect(sound == ["3"])

            let statistics = try client.ask("GET", "/api/stats").json(Statistics.self)
            #expect(statistics.requests == 3 && statistics.errors == 1)
            #expect(statistics.minutes.count == 60)
            #expect(statistics.minutes.map(\.requests).reduce(0, +) == 3)
            let steps = zip(statistics.minutes, statistics.minutes.dropFirst()).map {
                $1.start.timeIntervalSince($0.start)
            }
            #expect(steps.allSatisfy { $0 == 60 })
            #expect(try file.sqlite3("SELECT COUNT(*) FROM access") == ["3"], "statistics do not count")
        }
    }

    @Test("The client does not wait for the database")
    func answersWhileLocked() throws {
        try run { _, nginx in
            let client = try nginx.client()
            _ = try client.ask("GET", "/api/data")
            try awaitRows(1)
            try file.whileLocked {
                let reply = try client.ask("GET", "/api/data")
                #expect(reply.status == 200)
                #expect(try file.sqlite3("SELECT COUNT(*) FROM access") == ["1"])
            }
            try awaitRows(2)
        }
    }

    @Test("Accesses logged at SIGTERM are written")
    func shutdown() throws {
        try run { server, nginx in
            let client = try nginx.client()
            for _ in 1...50 { _ = try client.ask("GET", "/api/data") }
            server.process.send(signal: SIGTERM)
            #expect(try server.process.waitForExit() == .status(0))
            #expect(try file.sqlite3("SELECT COUNT(*) FROM access") == ["50"])
        }
    }

    @Test("Old accesses are deleted, and so are the oldest if there are too many")
    func retention() throws {
        try run { _, nginx in
            let client = try nginx.client()
            _ = try client.ask("GET", "/api/data")
            try awaitRows(1)
            let now = Int(Date().timeIntervalSince1970 * 1000)
            let columns = "INSERT INTO access (id, time, path, status, milliseconds)"
            try file.sqlite3(
                """
                DELETE FROM access;
                \(columns) VALUES (1, \(now), '/too-many', 200, 1), (100002, \(now), '/too-many', 200, 1), (100003, \(now), '/kept', 200, 1),
                (200000, \(now - 8 * 86_400_000), '/too-old', 200, 1), (200001, \(now), '/newest', 200, 1)
                """)
            _ = try client.ask("GET", "/api/data")
            // The row numbers keep the table within the limit of 100,000 rows.
            try waitUntil("only what is to be kept is there") {
                try file.sqlite3("SELECT id || path FROM access ORDER BY id")
                    == ["100003/kept", "200001/newest", "200002/api/data"]
            }
        }
    }
}
