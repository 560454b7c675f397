import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

/// SQLite 3.7.0 to 3.51.2 loses commits if a commit restarts the WAL while another connection begins a
/// checkpoint.
@Suite("Checkpoints", .timeLimit(.minutes(10)))
struct CheckpointTests {
    /// With the thread sanitizer everything takes ten times as long, so that only a part of the checkpoints
    /// is tried. All of them are tried without it.
    private static let isSanitized = dlsym(nil, "__tsan_init") != nil

    /// Processes whose checkpoints wait for a commit that would be lost.
    private final class HeldProcesses {
        let fixture: SQLiteFileFixture
        private let environment: [String: String]
        private let countsFile: String
        private var running: [StoreProcess] = []
        private(set) var acknowledged: Set<String> = []

        init() throws {
            fixture = try SQLiteFileFixture(in: "/dev/shm")
            let library = fixture.folder + "/hold.so"
            countsFile = fixture.folder + "/counts"
            try Interposer.compile(
                Interposer.source("hold_checkpoints.c", beside: #filePath), to: library,
                linking: "-lsqlite3", "-lpthread")
            environment = ["LD_PRELOAD": library, "HOLD_COUNTS": countsFile]
        }

        func start(_ command: String) throws {
            running.append(try StoreProcess(command, fixture, environment: environment))
        }

        func visit() throws {
            let helper = try StoreProcess("visit", fixture, environment: environment)
            note(helper.lines())
            let said = try helper.errors()
            #expect(helper.finish() == 0, "\(said)")
        }

        /// Reads a line of each process.
        ///
        /// - Returns: whether all of them still run.
        func step() -> Bool {
            for helper in running {
                guard let line = helper.line() else { return false }
                note([line])
            }
            return true
        }

        private func note(_ lines: [String]) {
            for line in lines { acknowledged.formUnion(line.split(separator: " ").map(String.init)) }
        }

        /// Ends all processes, and checks the records that must be there.
        func check() throws {
            for helper in running {
                helper.die()
                note(helper.lines())
            }
            let counts = counts
            print("checkpoints: \(counts), \(acknowledged.count) records acknowledged")
            #expect(counts.windows > 0 && counts.resets == 0 && counts.outside == 0)
            let taskStore = try fixture.open()
            let (ids, integrity) = try taskStore.pool.read { database in
                (
                    try String.fetchSet(database, sql: "SELECT id FROM record"),
                    try String.fetchOne(database, sql: "PRAGMA integrity_check")
                )
            }
            let lost = acknowledged.subtracting(ids).count
            #expect(lost == 0 && integrity == "ok", "of \(acknowledged.count)")
            try taskStore.close()
        }

        struct Counts: CustomStringConvertible {
            var windows: UInt64 = 0
            var held: UInt64 = 0
            var resets: UInt64 = 0
            var outside: UInt64 = 0

            var description: String {
                "windows \(windows), held open \(held), resets in them \(resets), outside of the writer's lock \(outside)"
            }
        }

        /// As defined in hold_checkpoints.c.
        var counts: Counts {
            guard let data = FileManager.default.contents(atPath: countsFile), data.count >= 32 else {
                return Counts()
            }
            func number(_ index: Int) -> UInt64 {
                data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) }
            }
            return Counts(windows: number(0), held: number(1), resets: number(2), outside: number(3))
        }
    }

    @Test(
        "Four processes: each checkpoint holds the writer's lock, and no commit restarts the WAL during one")
    func processes() throws {
        let processes = try HeldProcesses()
        for _ in 0..<4 { try processes.start("flood") }
        while case let counts = processes.counts, counts.windows < (Self.isSanitized ? 30 : 200),
            counts.resets == 0,
            processes.step()
        {
        }
        try processes.check()
    }

    @Test("One process, and programs beside it that list and change records: the same")
    func visitors() throws {
        let processes = try HeldProcesses()
        try processes.start("flood")
        #expect(processes.step(), "the file is there")
        while case let counts = processes.counts, counts.windows < (Self.isSanitized ? 8 : 40),
            counts.outside == 0
        {
            try processes.visit()
            // A visit takes long with a sanitizer; the process continues only while its lines are read.
            guard (0..<200).allSatisfy({ _ in processes.step() }) else { break }
        }
        try processes.check()
    }

    @Test("No connection checkpoints by itself")
    func automatic() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        func setting(_ database: Database) throws -> Int? {
            try Int.fetchOne(database, sql: "PRAGMA wal_autocheckpoint")
        }
        #expect(try taskStore.pool.read(setting) == 0)
        #expect(try taskStore.pool.writeWithoutTransaction(setting) == 0)
        try taskStore.close()
    }

    /// Readers that overlap without a gap.
    private final class Relay: Sendable {
        private let databases: [DatabaseQueue]
        private let isOver = Counter()
        let turns = Counter()

        init(_ path: String) throws {
            var configuration = Configuration()
            configuration.allowsUnsafeTransactions = true
            configuration.readonly = true
            databases = try (0..<2).map { _ in try DatabaseQueue(path: path, configuration: configuration) }
        }

        func run() throws {
            func begin(_ number: Int) throws {
                try databases[number % 2].writeWithoutTransaction { database in
                    try database.execute(sql: "BEGIN")
                    _ = try Int.fetchOne(database, sql: "SELECT max(number) FROM record")
                }
            }
            try begin(0)
            var number = 0
            while isOver.value == 0 {
                try begin(number + 1)
                usleep(3_000)
                try databases[number % 2].writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
                number += 1
                turns.add()
            }
            for database in databases { try database.close() }
        }

        func end() { isOver.add() }
    }

    @Test("Overlapping readers do not let the WAL grow for ever")
    func readers() async throws {
        let fixture = try SQLiteFileFixture(in: "/dev/shm")
        let taskStore = try fixture.open()
        _ = try taskStore.append("first", .make())
        let relay = try Relay(fixture.path)
        async let reading: Void = onThread { try relay.run() }
        // 800 pages each.
        let large = NewRecord(name: "large", payload: Data(repeating: 0x31, count: 800 * 4_096))
        // The salt in the WAL's header changes when a commit restarts it, which is possible only after a whole checkpoint. How
        // long that takes depends on the readers' turns; without the wait for readers it would never be whole.
        var salts: Set<Data> = []
        var written = 0
        while salts.count < 3, written < 400 {
            let turns = relay.turns.value
            _ = try taskStore.append("\(written)", large)
            written += 1
            let header = try #require(
                try FileHandle(forReadingAtPath: fixture.path + "-wal")?.read(upToCount: 32))
            salts.insert(header[16..<20])
            while relay.turns.value < turns + 3 { await Task.yield() }
        }
        relay.end()
        try await reading
        print("WAL beside readers: \(salts.count) times from its beginning in \(written) commits")
        #expect(salts.count == 3)
        try taskStore.close()
    }

    @Test("A reader that stays is named and delays no write; after it the WAL is checkpointed")
    func longReader() throws {
        let fixture = try SQLiteFileFixture(in: "/dev/shm")
        let warnings = Lock<[String]>([])
        var settings = TaskStoreSettings()
        settings.warn = { text in warnings.withLock { $0.append(text) } }
        let taskStore = try SQLiteTaskStore(path: fixture.path, settings: settings)
        _ = try taskStore.append("first", .make())
        let large = NewRecord(name: "large", payload: Data(repeating: 0x31, count: 4_000 * 4_096))
        try taskStore.pool.read { database in
            _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM record")
            for number in 0..<6 { _ = try taskStore.append("\(number)", large) }
        }
        #expect(warnings.withLock { $0.count } == 1)
        #expect(warnings.withLock { $0.first }?.contains("fuser -v \(fixture.path)") == true)
        for number in 0..<3 { _ = try taskStore.append("behind \(number)", large) }
        try taskStore.flush()
        let pages = try taskStore.pool.writeWithoutTransaction { try $0.checkpoint(.passive) }
        #expect(pages.walFrameCount < 12_100, "the WAL has begun anew")
        try taskStore.close()
    }

    @Test(
        "The SQLite versions with the bug are known",
        arguments: [
            (3_006_023, false), (3_007_000, true), (3_040_001, true), (3_044_005, true), (3_044_006, false),
            (3_045_000, true), (3_046_001, true), (3_050_006, true), (3_050_007, false), (3_051_000, true),
            (3_051_002, true), (3_051_003, false), (3_053_004, false),
        ])
    func versions(number: Int, hasBug: Bool) {
        #expect(SQLiteVersion.hasResetBug(number) == hasBug)
        #expect(SQLiteVersion.library.hasPrefix("SQLite \(SQLiteVersion.text)"))
    }
}
