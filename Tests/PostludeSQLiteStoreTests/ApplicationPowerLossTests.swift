import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

@Suite("Power loss with the tasks in the application's database", .timeLimit(.minutes(15)))
struct ApplicationPowerLossTests {
    private static let name = "shop.sqlite"

    /// Opens the remaining files, and checks that all that was acknowledged is there, and that no transaction is there in part.
    ///
    /// - Returns: what is wrong.
    private func faults(of files: [String: Data], for acknowledged: Set<String>) throws -> [String] {
        let fixture = try SQLiteFileFixture(in: "/dev/shm")
        let folder = fixture.folder
        for (name, data) in files where name == Self.name || name == Self.name + "-wal" {
            try data.write(to: URL(fileURLWithPath: folder + "/" + name))
        }
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(20)
            let pool = try DatabasePool(path: "\(folder)/\(Self.name)", configuration: configuration)
            let store = try SQLiteTaskStore(in: pool)
            let found = try pool.read { try Found($0) }
            var faults = found.faults
            let done = acknowledged.filter { $0.hasPrefix("done-") }.map { String($0.dropFirst(5)) }
            let lost = acknowledged.filter { !$0.hasPrefix("done-") }.subtracting(found.ids)
            if !lost.isEmpty { faults.append("lost: \(lost)") }
            if !found.done.isSuperset(of: done) { faults.append("ends are lost: \(done)") }
            _ = try store.claim()
            try store.transaction(.write) { _ = try $0.append(NewRequest(id: "after", records: [.make()])) }
            try store.close()
            return withExtendedLifetime(fixture) { faults }
        } catch {
            return ["\(error)"]
        }
    }

    /// What a database contains after a power loss.
    private struct Found {
        let ids: Set<String>
        let done: Set<String>
        private(set) var faults: [String] = []

        init(_ database: Database) throws {
            ids = try String.fetchSet(database, sql: "SELECT id FROM postlude_record")
            done = try String.fetchSet(database, sql: "SELECT id FROM postlude_record WHERE state = 2")
            let halves = try String.fetchAll(
                database, sql: "SELECT request FROM postlude_record GROUP BY request HAVING count(*) <> 2")
            if !halves.isEmpty { faults.append("half a request: \(halves)") }
            let integrity = try String.fetchOne(database, sql: "PRAGMA integrity_check")
            if integrity != "ok" { faults.append("integrity_check: \(integrity ?? "nothing")") }
            guard try database.tableExists("purchase") else { return }
            let rows = try String.fetchAll(database, sql: "SELECT request FROM purchase").sorted()
            // Each third request has no row.
            let expected = try String.fetchSet(database, sql: "SELECT request FROM postlude_record")
                .filter { (Int($0.dropFirst("request-".count)) ?? 0) % 3 != 2 }
            if rows != expected.sorted() { faults.append("rows \(rows), and records of \(expected)") }
            let effects = try String.fetchAll(database, sql: "SELECT record FROM effect").sorted()
            if effects != done.sorted() { faults.append("effects \(effects), and ends of \(done)") }
        }
    }

    private func allFaults(sizes: [Int], every step: Int, isCheckpointed: Bool = false) throws -> [String] {
        let fixture = try SQLiteDatabaseFixture()
        let (recording, _) = try Recording.of(
            "purchase", sizes.map(String.init), fixture,
            in: URL(fileURLWithPath: fixture.path).deletingLastPathComponent().path)
        var found: [String] = []
        if isCheckpointed, !recording.isCheckpointed(Self.name) { found.append("no checkpoint") }
        var last: Set<String> = []
        let checked = try recording.forEachState(every: step) { files, acknowledged, loss in
            found += try faults(of: files, for: acknowledged).map { "\(loss): \($0)" }
            last = acknowledged
        }
        if last.count != sizes.count * 3 { found.append("\(last.count) were acknowledged") }
        print(
            "power loss: \(checked) states of \(recording.entries.count) writes and syncs, \(sizes.count) purchases"
        )
        return found
    }

    @Test(
        "After any write, and whatever unsynced data is lost, rows and records are there together, and all that were acknowledged"
    )
    func purchases() async throws {
        #expect(
            try await onThread { try allFaults(sizes: [10, 6_000, 10, 10], every: isLongRun ? 3 : 17) } == [])
    }

    @Test("The same while the WAL is checkpointed and restarted")
    func checkpoints() async throws {
        let sizes = Array(repeating: 350_000, count: 8)
        #expect(
            try await onThread {
                try allFaults(sizes: sizes, every: isLongRun ? 509 : 2_003, isCheckpointed: true)
            } == [])
    }
}
