import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

@Suite("Power loss", .timeLimit(.minutes(15)))
struct PowerLossTests {
    /// Opens the remaining files, and checks the records that must be there.
    ///
    /// - Returns: what is wrong.
    private func faults(of files: [String: Data], for acknowledged: Set<String>) throws -> [String] {
        let fixture = try SQLiteFileFixture(in: "/dev/shm")
        for (name, data) in files where !name.hasSuffix("-shm") && !name.hasSuffix("-marks") {
            // After a restart of the machine its contents would be ignored; this machine has not restarted.
            if name.contains("-owner-") { continue }
            try data.write(to: URL(fileURLWithPath: fixture.folder + "/" + name))
        }
        do {
            let taskStore = try fixture.open()
            let (requests, ids, integrity) = try taskStore.pool.read { database in
                (
                    try Int.fetchAll(database, sql: "SELECT count(*) FROM record GROUP BY request"),
                    try String.fetchSet(database, sql: "SELECT id FROM record"),
                    try String.fetchOne(database, sql: "PRAGMA integrity_check")
                )
            }
            var faults: [String] = []
            if !acknowledged.isSubset(of: ids) { faults.append("lost: \(acknowledged.subtracting(ids))") }
            if !requests.allSatisfy({ $0 == 2 }) { faults.append("half a request: \(requests)") }
            if integrity != "ok" { faults.append("integrity_check: \(integrity ?? "nothing")") }
            // The process is dead: its unfinished records are claimed.
            let claimed = try taskStore.claim().flatMap(\.records).count
            if claimed < acknowledged.count / 2 || claimed > ids.count { faults.append("\(claimed) claimed") }
            if try taskStore.append("after", .make()).count != 1 { faults.append("nothing can be appended") }
            try taskStore.close()
            return faults
        } catch {
            return ["\(error)"]
        }
    }

    /// Checks the states that a power loss may leave, on a thread of its own: it takes too long for one that other tests
    /// need.
    ///
    /// - Returns: what is wrong.
    private func faults(sizes: [Int], every step: Int, isCheckpointed: Bool = false) async throws -> [String]
    {
        try await onThread { try allFaults(sizes: sizes, every: step, isCheckpointed: isCheckpointed) }
    }

    private func allFaults(sizes: [Int], every step: Int, isCheckpointed: Bool) throws -> [String] {
        let fixture = try SQLiteFileFixture()
        let (recording, _) = try Recording.of("append", sizes.map(String.init), fixture, in: fixture.folder)
        var found: [String] = []
        if isCheckpointed, !recording.isCheckpointed("tasks.sqlite") { found.append("no checkpoint") }
        var last: Set<String> = []
        let checked = try recording.forEachState(every: step) { files, acknowledged, loss in
            found += try faults(of: files, for: acknowledged).map { "\(loss): \($0)" }
            last = acknowledged
        }
        if last.count != sizes.count * 2 { found.append("\(last.count) were acknowledged") }
        print(
            "power loss: \(checked) states of \(recording.entries.count) writes and syncs, \(sizes.count) requests"
        )
        return found
    }

    @Test(
        "After any write, and whatever unsynced data is lost, the task store opens with all acknowledged records"
    )
    func small() async throws {
        // The states around each sync are always among them.
        #expect(try await faults(sizes: [10, 10, 6_000, 10], every: isLongRun ? 1 : 11) == [])
    }

    @Test("The same while the WAL is checkpointed and restarted")
    func checkpoints() async throws {
        let sizes = Array(repeating: 350_000, count: 8)
        #expect(try await faults(sizes: sizes, every: isLongRun ? 211 : 2_003, isCheckpointed: true) == [])
    }

    @Test("Sixteen threads that append at once share syncs: as many as transactions, far fewer than appends")
    func syncs() throws {
        let fixture = try SQLiteFileFixture()
        let (recording, lines) = try Recording.of("crowd", ["16", "20"], fixture, in: fixture.folder)
        let transactions = try #require(
            lines.first.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) })
        var syncs = 0
        for entry in recording.entries where entry.name.hasSuffix("-wal") {
            if case .sync = entry.operation { syncs += 1 }
        }
        print("fsyncs: \(syncs) of the WAL, \(transactions) transactions, 320 appends by 16 threads")
        // A few more, for the migrations, and for the WAL's beginning. One fewer would mean that a commit was not
        // on the disk.
        #expect(syncs >= transactions && syncs <= transactions + 8 + TaskStoreSchema.migrations.count)
        #expect(transactions < 200)
    }
}
