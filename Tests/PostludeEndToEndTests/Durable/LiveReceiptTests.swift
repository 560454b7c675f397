import Foundation
import PostludeRecordStoreFixtures
import Testing

/// Event streams that follow durable tasks, in several processes with one task store.
@Suite("Live receipts", .timeLimit(.minutes(10)))
struct LiveReceiptTests {
    enum Store: CaseIterable { case file, postgreSQL }

    private struct Told: Decodable {
        var id: String
        var state: String
        var attempts: Int
        var result: String?
    }

    /// Reads a stream of events.
    private final class Reader {
        private let peer: FastCGIPeer
        private var text = ""
        private(set) var told: [Told] = []
        private(set) var lastID: String?

        init(_ ids: [String], after last: String? = nil, at server: Server) throws {
            peer = try server.peer()
            var request = RawRequest("GET", "/tasks/\(ids.joined(separator: ","))/events")
            if let last { request.parameters.append(("HTTP_LAST_EVENT_ID", last)) }
            try peer.send(request)
        }

        /// Reads until `isEnough`, or the end of the stream.
        ///
        /// - Returns: whether the stream has ended.
        @discardableResult
        func read(until isEnough: ([Told]) -> Bool = { _ in false }) throws -> Bool {
            while !isEnough(told) {
                guard let record = try peer.record() else { return true }
                if record.type == Record.endRequest { return true }
                text += String(decoding: record.content, as: UTF8.self)
                while let end = text.range(of: "\n\n") {
                    let lines = text[..<end.lowerBound].split(separator: "\n")
                    text.removeSubrange(..<end.upperBound)
                    guard let data = lines.first(where: { $0.hasPrefix("data: ") }) else { continue }
                    told.append(try JSONDecoder().decode(Told.self, from: Data(data.utf8.dropFirst(6))))
                    lastID = lines.first { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
                }
            }
            return false
        }
    }

    private func server(_ name: String, at place: String?, in folder: TestFolder) throws -> Server {
        let server = try Server(
            DurableServer.manifest(in: folder, place: place), in: folder,
            at: .unix(folder.file(name + ".socket")), executable: BuildProducts.durableTestbed)
        try waitUntil("a server answers: \(server.log.suffix(2_000))") {
            (try? server.ask(RawRequest("GET", "/hello")))?.status == 200
        }
        return server
    }

    @Test(
        "A stream follows the tasks of another process, and continues in another one after kill -9: nothing comes twice",
        arguments: Store.allCases)
    func killed(store: Store) throws {
        let folder = try TestFolder()
        let fixture = store == .postgreSQL ? try PostgreSQLFixture() : nil
        let one = try server("one", at: fixture?.place, in: folder)
        let two = try server("two", at: fixture?.place, in: folder)
        let ids = try one.add("/order?label=a&count=2&gate=go")
        let (here, there) = (try Reader(ids, at: one), try Reader(ids, at: two))
        for reader in [here, there] {
            try reader.read { told in
                told.contains { $0.id == ids[0] && $0.state == "running" }
                    && told.contains { $0.id == ids[1] }
            }
        }
        one.process.send(signal: SIGKILL)
        #expect(try one.process.waitForExit() == .signal(SIGKILL))
        try folder.open(gate: "go")
        let again = try Reader(ids, after: here.lastID, at: two)
        #expect(try there.read())
        #expect(try again.read())
        for told in [there.told, here.told + again.told] {
            for (number, id) in ids.enumerated() {
                let own = told.filter { $0.id == id }
                #expect(own.filter { $0.state == "done" }.count == 1)
                #expect(own.last?.result == "a \(number + 1)", "\(own)")
                for (one, next) in zip(own, own.dropFirst()) {
                    #expect(one.state != next.state || one.attempts != next.attempts, "\(own)")
                }
            }
        }
        let request = RawRequest("GET", "/tasks/\(ids.joined(separator: ","))/events").with {
            $0.parameters.append(("HTTP_LAST_EVENT_ID", again.lastID ?? ""))
        }
        #expect(try two.ask(request).status == 204)
        two.process.send(signal: SIGTERM)
        #expect(try two.process.waitForExit() == .status(0), "\(two.log.suffix(2_000))")
    }

    @Test(
        "When processes are replaced, streams go on: no event is missed or doubled, and no client connects again"
    )
    func upgrades() throws {
        let folder = try TestFolder()
        let manifest = DurableServer.manifest(
            in: folder, "workers: { min: 2, max: 8 }\nprocesses: { count: 2 }")
        try Server.run(
            manifest, in: folder, executable: BuildProducts.durableTestbed, isSupervised: true
        ) { server in
            try waitUntil("both are ready") { server.logCount(of: "a process is ready") == 2 }
            try NginxServer.run(to: server) { nginx in
                let publisher = try nginx.client()
                let reply = try publisher.ask("POST", "/scheduled?label=a&count=3&after=3600000")
                let ids = try #require(try reply.json([String: [String]].self)["ids"])
                let clients = try (0..<10).map { _ in
                    let client = ResponseReader(try nginx.client())
                    try client.http.send("GET", "/tasks/\(ids.joined(separator: ","))/events")
                    for id in ids { try client.read(until: "\"id\":\"\(id)\"") }
                    return client
                }
                for (upgrade, id) in ids.enumerated() {
                    let old = Set(server.children)
                    server.process.send(signal: SIGUSR2)
                    // While the streams are on their way.
                    #expect(try publisher.ask("POST", "/cancel?id=\(id)").status == 200)
                    try waitUntil("new processes serve alone: \(server.log.suffix(2_000))") {
                        server.logCount(of: "a process is ready") >= 4 + 2 * upgrade
                            && old.isDisjoint(with: server.children)
                    }
                }
                for client in clients {
                    try client.read(until: "\r\n0\r\n\r\n")
                    for id in ids {
                        let states = client.text.split(separator: "\n")
                            .filter { $0.hasPrefix("data: ") && $0.contains(id) }
                            .compactMap { $0.firstMatch(of: #/"state":"(\w+)"/#).map { String($0.output.1) } }
                        #expect(states == ["waiting", "cancelled"])
                    }
                    #expect(!client.text.contains("reset"))
                }
            }
        }
    }
}
