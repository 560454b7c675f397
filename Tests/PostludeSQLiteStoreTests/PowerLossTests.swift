import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

@Suite("Power loss", .timeLimit(.minutes(15)))
struct PowerLossTests {
    private func record(_ command: String, _ arguments: [String], in fixture: SQLiteFileFixture) throws -> (
        Recording, lines: [String]
    ) {
        let tools = try SQLiteFileFixture()
        let environment = try Recording.environment(
            recording: fixture.folder, to: tools.folder + "/recording", library: tools.folder + "/record.so")
        let helper = try StoreProcess(command, fixture, arguments, environment: environment)
        let lines = helper.lines()
        try #require(helper.finish() == 0)
        return (try Recording(tools.folder + "/recording"), lines)
    }

    /// The ids that an entry acknowledges.
    private func acknowledged(by entry: Recording.Entry) -> [String] {
        guard entry.name.hasSuffix("-marks"), case .append(let data) = entry.operation else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

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

    /// Whether the WAL was checkpointed and restarted before the last append was acknowledged.
    private func isCheckpointed(_ recording: Recording) -> Bool {
        let entries = recording.entries
        guard let last = entries.lastIndex(where: { $0.name.hasSuffix("-marks") }) else { return false }
        var isMoved = false
        for entry in entries[..<last] {
            guard case .write(let offset, _) = entry.operation else { continue }
            if entry.name == "tasks.sqlite", offset > 1 << 20 { isMoved = true }
            if entry.name == "tasks.sqlite-wal", offset == 0, isMoved { return true }
        }
        return false
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
        let (recording, _) = try record("append", sizes.map(String.init), in: fixture)
        var found: [String] = []
        if isCheckpointed, !self.isCheckpointed(recording) { found.append("no checkpoint") }
        let count = recording.entries.count
        var folder = RecordedFolder()
        var acknowledged: Set<String> = []
        var checked = 0
        // The states before and after a sync, a truncation, a removal or a mark are always tried.
        var isTurn = true
        for (prefix, entry) in (recording.entries.map(Optional.some) + [nil]).enumerated() {
            let isWrite = if case .write = entry?.operation { true } else { false }
            if isTurn || !isWrite || prefix % step == 0 {
                for loss in Recording.Loss.allCases {
                    let files = folder.files(losing: loss)
                    let faults = try faults(of: files, for: acknowledged)
                    found += faults.map { "\(loss) lost behind \(prefix) of \(count): \($0)" }
                    checked += 1
                }
            }
            isTurn = !isWrite
            if let entry {
                folder.apply(entry)
                acknowledged.formUnion(self.acknowledged(by: entry))
            }
        }
        if acknowledged.count != sizes.count * 2 { found.append("\(acknowledged.count) were acknowledged") }
        print("power loss: \(checked) states of \(count) writes and syncs, \(sizes.count) requests")
        return found
    }

    @Test(
        "After any write, and whatever unsynced data is lost, the task store opens with all acknowledged records"
    )
    func small() async throws {
        #expect(try await faults(sizes: [10, 10, 6_000, 10], every: 1) == [])
    }

    @Test("The same while the WAL is checkpointed and restarted")
    func checkpoints() async throws {
        let sizes = Array(repeating: 350_000, count: 8)
        #expect(try await faults(sizes: sizes, every: 211, isCheckpointed: true) == [])
    }

    @Test("Sixteen threads that append at once share syncs: as many as transactions, far fewer than appends")
    func syncs() throws {
        let fixture = try SQLiteFileFixture()
        let (recording, lines) = try record("crowd", ["16", "20"], in: fixture)
        let transactions = try #require(
            lines.first.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) })
        var syncs = 0
        for entry in recording.entries where entry.name.hasSuffix("-wal") {
            if case .sync = entry.operation { syncs += 1 }
        }
        print("fsyncs: \(syncs) of the WAL, \(transactions) transactions, 320 appends by 16 threads")
        // A few more, for opening and for the WAL's beginning. One fewer would mean that a commit was not on
        // the disk.
        #expect(syncs >= transactions && syncs <= transactions + 12)
        #expect(transactions < 200)
    }
}
