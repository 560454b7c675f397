import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

@Suite("Opening a task store", .timeLimit(.minutes(10)))
struct OpeningTests {
    @Test("Each commit is synced, the WAL is used, foreign keys are checked: read back from SQLite")
    func pragmas() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let values = try taskStore.pool.writeWithoutTransaction { database in
            try ["synchronous", "journal_mode", "foreign_keys", "application_id"].map {
                try String.fetchOne(database, sql: "PRAGMA \($0)") ?? ""
            }
        }
        #expect(values == ["2", "wal", "1", "\(0x5073_4a6c)"])
        try taskStore.close()
    }

    @Test("No other user can read the files")
    func modes() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        _ = try taskStore.append("r", .make())
        for suffix in ["", "-wal", "-shm", "-owners"] {
            var status = stat()
            #expect(stat(fixture.path + suffix, &status) == 0 && status.st_mode & 0o777 == 0o600, "\(suffix)")
        }
        try taskStore.close()
    }

    @Test("A reopened store has all records; another path to the same file is the same task store")
    func again() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        let link = fixture.folder + "/link"
        #expect(symlink(fixture.path, link) == 0)
        let other = try SQLiteTaskStore(path: link)
        #expect(other.path == fixture.path && other.owner != taskStore.owner)
        #expect(try other.record(id) != nil && other.claim().isEmpty)
        try other.close()
        try taskStore.close()
        #expect(!FileManager.default.fileExists(atPath: fixture.path + "-wal"))
        let next = try fixture.open()
        #expect(try next.record(id)?.state == .waiting)
        try next.close()
    }

    @Test("Processes that open a new task store at once all succeed")
    func atOnce() async throws {
        let fixture = try SQLiteFileFixture()
        let owners = try await withThrowingTaskGroup(of: Int64?.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await onThread {
                        let taskStore = try fixture.open()
                        _ = try taskStore.append("r", .make())
                        try taskStore.close()
                        return taskStore.owner
                    }
                }
            }
            return try await group.reduce(into: Set<Int64?>()) { $0.insert($1) }
        }
        #expect(owners.count == 8 && !owners.contains(nil))
    }

    private func open(_ path: String, role: TaskStoreRole = .process) -> TaskStoreError? {
        taskStoreError { try SQLiteTaskStore(path: path, role: role).close() }
    }

    @Test("A missing folder, or a file that cannot be created, is named")
    func missing() throws {
        let fixture = try SQLiteFileFixture()
        let error = try #require(open(fixture.folder + "/none/tasks"))
        #expect(error.code == .notWritable)
        #expect(error.description.contains("/none/tasks") && error.description.contains("create the folder"))
        #expect(open("/proc/tasks")?.code == .notWritable)
        #expect(open(fixture.folder)?.code == .notWritable)
        #expect(open(fixture.path, role: .visitor)?.code == .missing)
        #expect(!FileManager.default.fileExists(atPath: fixture.path))
        #expect(!FileManager.default.fileExists(atPath: fixture.path + "-owners"))
    }

    @Test("A folder that this user cannot write to is named")
    func notWritable() throws {
        let fixture = try SQLiteFileFixture()
        try fixture.open().close()
        #expect(chmod(fixture.folder, 0o555) == 0 && chmod(fixture.path, 0o444) == 0)
        defer { chmod(fixture.folder, 0o755) }
        // Root may write everywhere, so that another user is tried.
        let helper = try StoreProcess("append", fixture, as: "nobody")
        let text = try helper.errors()
        #expect(helper.finish() != 0)
        #expect(text.contains(fixture.path) && text.contains("Permission denied"), "\(text)")
        let other = try StoreProcess("append", fixture, at: fixture.folder + "/new", as: "nobody")
        let new = try other.errors()
        #expect(other.finish() != 0)
        #expect(new.contains("create the folder, and let this process's user write to it"), "\(new)")
    }

    @Test("A file that is not a task store is refused and stays unchanged")
    func foreign() throws {
        let fixture = try SQLiteFileFixture()
        for text in ["hello", String(repeating: "no database\n", count: 1_000)] {
            try text.write(toFile: fixture.path, atomically: false, encoding: .utf8)
            let error = try #require(open(fixture.path))
            #expect(
                error.code == .foreign && error.description.contains("not an SQLite database"), "\(error)")
            #expect(try String(contentsOfFile: fixture.path, encoding: .utf8) == text)
        }
        try FileManager.default.removeItem(atPath: fixture.path)
        let other = try DatabaseQueue(path: fixture.path)
        try other.write { try $0.execute(sql: "CREATE TABLE user (name)") }
        try other.close()
        let bytes = FileManager.default.contents(atPath: fixture.path)
        let error = try #require(open(fixture.path))
        #expect(error.code == .foreign && error.description.contains("another program"), "\(error)")
        #expect(FileManager.default.contents(atPath: fixture.path) == bytes)
    }

    @Test("A task store of a later version is refused")
    func newer() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        try taskStore.pool.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('from the future')")
        }
        try taskStore.close()
        let error = try #require(open(fixture.path))
        #expect(error.code == .newer && error.description.contains("later version"), "\(error)")
    }

    @Test("An empty file, as a crash may leave it, becomes a task store")
    func empty() throws {
        let fixture = try SQLiteFileFixture()
        #expect(FileManager.default.createFile(atPath: fixture.path, contents: nil))
        #expect(open(fixture.path) == nil)
    }

    @Test("A damaged file is reported as damaged; nothing traps")
    func damaged() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let records = (0..<200).map { _ in NewRecord.make() }
        _ = try taskStore.append(NewRequest(id: "r", records: records))
        try taskStore.close()
        let whole = try #require(FileManager.default.contents(atPath: fixture.path))
        for _ in 0..<60 {
            var bytes = whole
            for _ in 0..<40 { bytes[Int.random(in: 100..<bytes.count)] = UInt8.random(in: 0...255) }
            #expect(FileManager.default.createFile(atPath: fixture.path, contents: bytes))
            _ = taskStoreError {
                let taskStore = try fixture.open()
                defer { try? taskStore.close() }
                try? taskStore.export { _ in }
                _ = try? taskStore.list(RecordFilter(states: [.waiting]))
                _ = try? taskStore.counts()
                _ = try? taskStore.claim()
                _ = try? taskStore.append("new", .make())
            }
        }
    }

    @Test("A full disk: the append fails, nothing is half done, and the store works again when there is room")
    func full() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let first = try taskStore.append("first", .make(), .make())
        func pages(_ count: String) throws {
            try taskStore.pool.writeWithoutTransaction { database in
                _ = try Int64.fetchOne(database, sql: "PRAGMA max_page_count = \(count)")
            }
        }
        try pages("1")
        let large = NewRecord(name: "large", payload: Data(repeating: 0x31, count: 1 << 20))
        let error = try #require(
            taskStoreError { _ = try taskStore.append("large", .make(), large, .make()) })
        #expect(
            error.code == .full && error.isTemporary && error.description.contains("make room"), "\(error)")
        #expect(try taskStore.list().records.map(\.id) == first.reversed())
        try pages("1000000")
        #expect(try taskStore.append("large", .make(), large, .make()).count == 3)
        try taskStore.close()
    }

    private func leaveRoom(for more: Int64, in taskStore: SQLiteTaskStore) throws {
        try taskStore.pool.writeWithoutTransaction { database in
            let pages = try Int64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            _ = try Int64.fetchOne(database, sql: "PRAGMA max_page_count = \(pages + more)")
        }
    }

    @Test("A full disk: appends that fit are stored although another does not, and deferred updates wait")
    func fullForOne() async throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let first = try taskStore.append("first", .make())[0]
        try leaveRoom(for: 8, in: taskStore)
        let other = try OtherWriter(fixture)
        let appended = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<6 {
                group.addTask {
                    try await onThread {
                        let size = number == 3 ? 1 << 20 : 10
                        let record = NewRecord(name: "n", payload: Data(repeating: 0x31, count: size))
                        let error = taskStoreError { _ = try taskStore.append("\(number)", record) }
                        #expect(error == nil || error?.code == .full)
                        return error == nil
                    }
                }
            }
            while taskStore.writer.waitingCount < 6 { await Task.yield() }
            taskStore.ended(first, .done(result: nil))
            try other.end()
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(appended == 5)
        #expect(try taskStore.state(of: first) == .done)
        #expect(try taskStore.list().records.count == 6)
        try taskStore.close()
    }

    @Test(
        "A full disk: a flush reports unwritten deferred updates, which are written when there is room")
    func fullForNotes() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let first = try taskStore.append("first", .make())[0]
        try leaveRoom(for: 0, in: taskStore)
        taskStore.ended(first, .done(result: Data(repeating: 0x31, count: 1 << 20)))
        for _ in 0..<2 { #expect(taskStoreError { try taskStore.flush() }?.code == .full) }
        #expect(try taskStore.record(first)?.state == .waiting)
        try leaveRoom(for: 1 << 20, in: taskStore)
        #expect(try taskStore.state(of: first) == .done)
        #expect(try taskStore.record(first)?.result?.count == 1 << 20)
        try taskStore.close()
    }
}
