import Foundation
import PostludePostgreSQLStore
import PostludeRecordStoreFixtures
import PostludeSpawning
import PostludeSupervision
import PostludeTaskStore
import Testing

/// All writes of the server's processes are recorded, and the server is started on what a power loss may have left of them.
@Suite("A power loss of the server", .timeLimit(.minutes(15)))
struct ServerPowerLossTests {
    /// A recording of the server while a process makes promises, and a copy of the server's data from before.
    private struct Recorded {
        let tools: SQLiteFileFixture
        let base: String
        let recording: Recording
        let database: String
    }

    private func record(threads: Int, requests: Int) throws -> Recorded {
        let server = try PostgreSQLServer(settings: ["fsync=on", "autovacuum=off"])
        let fixture = try PostgreSQLFixture(on: server)
        try fixture.openNow().close()
        try server.stop()
        let tools = try SQLiteFileFixture()
        let base = tools.folder + "/base"
        try run("cp", "--archive", server.folder + "/data", base)
        // The server's user writes it, and this process does.
        let file = server.folder + "/recording"
        try Data().write(to: URL(fileURLWithPath: file))
        try run("chmod", "666", file)
        let library = server.folder + "/record.so"
        try server.start(
            environment: Recording.environment(
                recording: server.folder + "/data", to: file, library: library))
        let marks = tools.folder + "/marks"
        try FileManager.default.createDirectory(atPath: marks, withIntermediateDirectories: true)
        let helper = try StoreProcess(
            "promise", fixture, ["\(threads)", "\(requests)", marks + "/promises-marks"],
            environment: Recording.environment(recording: marks, to: file, by: library))
        for _ in 0..<threads * requests / 2 { _ = helper.line() }
        // Pages of the tables are written, too, while further promises are made.
        _ = try server.query("CHECKPOINT")
        _ = helper.lines()
        #expect(helper.finish() == 0)
        try server.stop()
        return Recorded(
            tools: tools, base: base,
            recording: try Recording(file, originals: try Recording.contents(of: base)),
            database: fixture.database)
    }

    private func run(_ words: String...) throws {
        guard try Program(words[0], Array(words.dropFirst())).run() == .status(0) else {
            throw CocoaError(.executableLoad)
        }
    }

    /// Starts a server on the files that are left, and checks what was acknowledged.
    ///
    /// - Returns: what is wrong.
    private func faults(
        of folder: RecordedFolder, losing loss: Recording.Loss, for acknowledged: Set<String>,
        _ recorded: Recorded
    ) throws -> [String] {
        let files = folder.files(losing: loss)
        let server = try PostgreSQLServer { place in
            let data = place + "/data"
            try run("cp", "--archive", recorded.base, data)
            // The number of its process may be another one's by now.
            try? FileManager.default.removeItem(atPath: data + "/postmaster.pid")
            for name in folder.changed { try? FileManager.default.removeItem(atPath: "\(data)/\(name)") }
            for name in folder.changed where !name.hasSuffix("-marks") && !name.hasPrefix("postmaster") {
                guard let content = files[name] else { continue }
                let path = "\(data)/\(name)"
                try FileManager.default.createDirectory(
                    atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
                try content.write(to: URL(fileURLWithPath: path))
                guard chmod(path, 0o600) == 0 else { throw CocoaError(.fileWriteNoPermission) }
            }
            return []
        }
        func query(_ sql: String) throws -> Set<String> {
            Set(try server.query(sql, in: recorded.database))
        }
        var there = try query("SELECT id FROM postlude.record")
        there.formUnion(try query("SELECT 'done-' || id FROM postlude.record WHERE state = 2"))
        there.formUnion(
            try query("SELECT 'answered-' || convert_from(body, 'UTF8') FROM postlude.answer"))
        let lost = acknowledged.subtracting(there)
        var faults = lost.isEmpty ? [] : ["\(lost.count) are lost: \(lost.prefix(5))"]
        let halves = try query(
            """
            SELECT request FROM postlude.record GROUP BY request
            HAVING count(*) <> CASE WHEN request LIKE '%-answered' THEN 1 ELSE 2 END
            """)
        if !halves.isEmpty { faults.append("half a request: \(halves)") }
        let apart = try query(
            """
            SELECT a.number FROM postlude.answer a FULL JOIN (
                SELECT * FROM postlude.record WHERE request LIKE '%-answered') r ON r.id::text = a.tasks
            WHERE a.tasks IS NULL OR r.id IS NULL
            """)
        if !apart.isEmpty { faults.append("answers and records apart: \(apart)") }
        let taskStore = try PostgreSQLTaskStore(
            address: "host=\(server.folder) user=postgres dbname=\(recorded.database)")
        _ = try taskStore.append("after", .make())
        let claimed = try taskStore.claim(1_000).flatMap(\.records).map(\.id)
        if Set(claimed).count != claimed.count { faults.append("claimed twice") }
        try taskStore.close()
        return faults
    }

    private func allFaults() throws -> [String] {
        let recorded = try record(threads: 16, requests: 4)
        let entries = recorded.recording.entries
        // Three places between the first promise and the last one, and the end.
        let first = try #require(entries.firstIndex { !$0.acknowledged.isEmpty })
        let places = (0..<3).map { _ in Int.random(in: first...entries.count) }.sorted() + [entries.count]
        var folder = RecordedFolder(try Recording.contents(of: recorded.base), keepsNames: true)
        var acknowledged: Set<String> = []
        var found: [String] = []
        var next = 0
        for place in places {
            for entry in entries[next..<place] {
                folder.apply(entry)
                acknowledged.formUnion(entry.acknowledged)
            }
            next = place
            for loss in Recording.Loss.allCases {
                found += try faults(of: folder, losing: loss, for: acknowledged, recorded)
                    .map { "\(loss) lost behind \(place) of \(entries.count): \($0)" }
            }
        }
        // Two records, one that is over, and one answer for each request.
        if acknowledged.count != 16 * 4 * 4 { found.append("\(acknowledged.count) were acknowledged") }
        print("power loss of the server: at \(places) of \(entries.count) writes and syncs, 16 clients")
        return found
    }

    @Test(
        "Whatever is lost that the server has not synced, all that 16 clients were promised is there after its recovery"
    )
    func promises() async throws {
        #expect(try await onThread { try allFaults() } == [])
    }
}
