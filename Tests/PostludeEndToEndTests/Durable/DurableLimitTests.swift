import Foundation
import PostludeRecordStoreFixtures
import Testing

/// A limit over several processes, some of which are killed.
@Suite("Limits of durable tasks in several processes", .timeLimit(.minutes(10)))
struct DurableLimitTests {
    enum Store: CaseIterable { case file, postgreSQL }

    /// A line that a task has written when it began or ended.
    private struct Turn {
        let pid: Int32
        let begins: Bool
        let label: String

        init?(_ line: String) {
            let words = line.split(separator: " ")
            guard words.count == 3, let pid = Int32(words[0]) else { return nil }
            self.pid = pid
            begins = words[1] == "begins"
            label = String(words[2])
        }
    }

    private func turns(_ folder: TestFolder) -> [Turn] { folder.events("turns").compactMap(Turn.init) }

    /// Waits until a task runs whose process has a given property.
    private func running(_ folder: TestFolder, after count: Int) throws -> Turn {
        try eventually("another task runs, after \(folder.events("turns"))") { () -> Turn? in
            let turns = turns(folder)
            return turns.count > count ? turns[count] : nil
        }
    }

    @Test(
        "One task runs at once in the processes of a supervisor, and kill -9 of its process frees its place",
        arguments: Store.allCases)
    func killed(store: Store) throws {
        let folder = try TestFolder()
        let postgreSQL = store == .postgreSQL ? try PostgreSQLFixture() : nil
        let place = postgreSQL?.place ?? folder.file("tasks.sqlite")
        let status = Endpoint.unix(folder.file("status.socket"))
        let settings = """
            workers: { min: 2, max: 8 }
            processes: { count: 2 }
            status: { listen: \(status), mode: '0666' }
            """
        let manifest = DurableServer.manifest(in: folder, settings, place: place)
        try Server.run(
            manifest, in: folder, executable: BuildProducts.durableTestbed, isSupervised: true
        ) { server in
            try waitUntil("both processes run") { server.children.count == 2 }
            let first = try #require(try server.add("/exclusive?label=first&gate=first").first)
            let victim = try running(folder, after: 0)
            #expect(victim.begins && server.children.contains(victim.pid))
            for number in 0..<6 { _ = try server.add("/exclusive?label=\(number)&gate=others") }
            // Added beside the servers, and without the manifest.
            let added = try Command(
                BuildProducts.durableTestbed,
                ["tasks", "add", "Exclusive", #"{"label": "added"}"#, "--task-store", place], in: folder)
            #expect(added.exit == .status(0), "\(added.errors)")
            let id = added.output.trimmingCharacters(in: .whitespacesAndNewlines)
            let shown = try Command(
                BuildProducts.durableTestbed, ["tasks", "show", id, "--task-store", place], in: folder)
            #expect(
                shown.output.contains("limit       its kind's (1 at once): 1 of 1 run, 7 wait"),
                "\(shown.output)")
            let limits = try Command(
                BuildProducts.durableTestbed, ["tasks", "limits", "--task-store", place], in: folder)
            let line = try #require(limits.output.split(separator: "\n").first { $0.hasPrefix("Exclusive") })
            #expect(
                line.split(whereSeparator: \.isWhitespace).suffix(7) == ["-", "1", "of", "1", "-", "7", "0"],
                "\(limits.output)")
            let list = try Command(
                BuildProducts.durableTestbed, ["tasks", "list", "--task-store", place], in: folder)
            #expect(
                list.output.split(separator: "\n").count { $0.contains(" limited ") } == 7, "\(list.output)")
            let names =
                try #require(
                    StatusTests.report(at: status)["durable tasks"] as? [String: Any])["names"]
                as? [[String: Any]]
            let kind = try #require(names?.first { $0["name"] as? String == "Exclusive" })
            #expect(
                kind["limited"] as? Int == 7 && kind["waiting"] as? Int == 7 && kind["running"] as? Int == 1)
            #expect(
                try StatusTests.get("/metrics", at: status).text.contains(
                    "postlude_durable_tasks_limited{task=\"Exclusive\"} 7\n"))
            // A process that does not wait for the limit would begin one meanwhile.
            for _ in 0..<20 { #expect(try server.ask(RawRequest("GET", "/tasks/\(first)")).status == 200) }
            #expect(turns(folder).count == 1)

            let clock = ContinuousClock()
            let since = clock.now
            kill(victim.pid, SIGKILL)
            let next = try running(folder, after: 1)
            print("the place of a killed process is another task's (\(store)) after \(clock.now - since)")
            #expect(next.begins && next.label != victim.label && next.pid != victim.pid)
            #expect(turns(folder).count == 2)
            for gate in ["first", "others"] { try folder.open(gate: gate) }
            try waitUntil(
                "all have run: \(folder.events("turns"))\n\(server.log.suffix(2_000))", within: .seconds(60)
            ) {
                turns(folder).count { !$0.begins } == 8
            }
        }
        // After the one that was killed, each ends before the next one begins.
        let rest = turns(folder).dropFirst()
        #expect(rest.count == 16)
        for (number, turn) in rest.enumerated() {
            #expect(turn.begins == (number % 2 == 0), "\(folder.events("turns"))")
        }
        #expect(Set(rest.map(\.label)).count == 8)
    }
}
