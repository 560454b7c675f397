import Foundation
import GRDB
import PostludeSystem
import Testing

@testable import PostludeTaskStore

@Suite("Opening a journal", .timeLimit(.minutes(10)))
struct OpeningTests {
    @Test("Each commit is synced, the WAL is used, foreign keys are checked: read back from SQLite")
    func pragmas() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let values = try journal.pool.writeWithoutTransaction { database in
            try ["synchronous", "journal_mode", "foreign_keys", "application_id"].map {
                try String.fetchOne(database, sql: "PRAGMA \($0)") ?? ""
            }
        }
        #expect(values == ["2", "wal", "1", "\(0x5073_4a6c)"])
        try journal.close()
    }

    @Test("Nobody else may read the files")
    func modes() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        _ = try journal.keep("r", .make())
        for suffix in ["", "-wal", "-shm", "-owners"] {
            var status = stat()
            #expect(stat(fixture.path + suffix, &status) == 0 && status.st_mode & 0o777 == 0o600, "\(suffix)")
        }
        try journal.close()
    }

    @Test("Opened again, all is there; another path to the same file is the same journal")
    func again() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let id = try journal.keep("r", .make())[0]
        let link = fixture.folder + "/link"
        #expect(symlink(fixture.path, link) == 0)
        let other = try Journal(path: link)
        #expect(other.path == fixture.path && other.owner != journal.owner)
        #expect(try other.record(id) != nil && other.claim().isEmpty)
        try other.close()
        try journal.close()
        #expect(!FileManager.default.fileExists(atPath: fixture.path + "-wal"))
        let next = try fixture.open()
        #expect(try next.record(id)?.state == .waiting)
        try next.close()
    }

    @Test("Processes that open a new journal at once all get it")
    func atOnce() async throws {
        let fixture = try JournalFixture()
        let owners = try await withThrowingTaskGroup(of: Int64?.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await onThread {
                        let journal = try fixture.open()
                        _ = try journal.keep("r", .make())
                        try journal.close()
                        return journal.owner
                    }
                }
            }
            return try await group.reduce(into: Set<Int64?>()) { $0.insert($1) }
        }
        #expect(owners.count == 8 && !owners.contains(nil))
    }

    private func open(_ path: String, role: JournalRole = .process) -> JournalError? {
        journalError { try Journal(path: path, role: role).close() }
    }

    @Test("A folder that is missing, or a file that cannot be made, is named")
    func missing() throws {
        let fixture = try JournalFixture()
        let error = try #require(open(fixture.folder + "/none/tasks"))
        #expect(error.code == .notWritable)
        #expect(error.description.contains("/none/tasks") && error.description.contains("make the folder"))
        #expect(open("/proc/tasks")?.code == .notWritable)
        #expect(open(fixture.folder)?.code == .notWritable)
        #expect(open(fixture.path, role: .visitor)?.code == .missing)
        #expect(!FileManager.default.fileExists(atPath: fixture.path))
        #expect(!FileManager.default.fileExists(atPath: fixture.path + "-owners"))
    }

    @Test("A folder that this user may not write is named")
    func notWritable() throws {
        let fixture = try JournalFixture()
        try fixture.open().close()
        #expect(chmod(fixture.folder, 0o555) == 0 && chmod(fixture.path, 0o444) == 0)
        defer { chmod(fixture.folder, 0o755) }
        // Root may write everywhere: another user is asked.
        let helper = try Helper(["append", fixture.path], as: "nobody")
        let text = try helper.errors()
        #expect(text.contains(fixture.path) && text.contains("Permission denied"), "\(text)")
        let new = try Helper(["append", fixture.folder + "/new"], as: "nobody").errors()
        #expect(new.contains("make the folder, and let this process's user write it"), "\(new)")
    }

    @Test("What is no journal is refused and stays as it is")
    func foreign() throws {
        let fixture = try JournalFixture()
        for text in ["hello", String(repeating: "no database\n", count: 1_000)] {
            try text.write(toFile: fixture.path, atomically: false, encoding: .utf8)
            let error = try #require(open(fixture.path))
            #expect(error.code == .foreign && error.description.contains("no SQLite database"), "\(error)")
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

    @Test("A journal of a later version is refused")
    func newer() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        try journal.pool.write {
            try $0.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('from the future')")
        }
        try journal.close()
        let error = try #require(open(fixture.path))
        #expect(error.code == .newer && error.description.contains("later version"), "\(error)")
    }

    @Test("An empty file, as a crash may leave it, becomes a journal")
    func empty() throws {
        let fixture = try JournalFixture()
        #expect(FileManager.default.createFile(atPath: fixture.path, contents: nil))
        #expect(open(fixture.path) == nil)
    }

    @Test("A damaged file is said to be damaged; nothing traps")
    func damaged() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let records = (0..<200).map { _ in NewRecord.make() }
        _ = try journal.append(NewRequest(id: "r", records: records))
        try journal.close()
        let whole = try #require(FileManager.default.contents(atPath: fixture.path))
        for _ in 0..<60 {
            var bytes = whole
            for _ in 0..<40 { bytes[Int.random(in: 100..<bytes.count)] = UInt8.random(in: 0...255) }
            #expect(FileManager.default.createFile(atPath: fixture.path, contents: bytes))
            _ = journalError {
                let journal = try fixture.open()
                defer { try? journal.close() }
                try? journal.export { _ in }
                _ = try? journal.list(RecordFilter(states: [.waiting]))
                _ = try? journal.counts()
                _ = try? journal.claim()
                _ = try? journal.keep("new", .make())
            }
        }
    }

    @Test("A full disk: an error for who appends, nothing half done, and all goes on when there is room")
    func full() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let first = try journal.keep("first", .make(), .make())
        func pages(_ count: String) throws {
            try journal.pool.writeWithoutTransaction { database in
                _ = try Int64.fetchOne(database, sql: "PRAGMA max_page_count = \(count)")
            }
        }
        try pages("1")
        let large = NewRecord(name: "large", payload: Data(repeating: 0x31, count: 1 << 20))
        let error = try #require(journalError { _ = try journal.keep("large", .make(), large, .make()) })
        #expect(
            error.code == .full && error.isTemporary && error.description.contains("make room"), "\(error)")
        #expect(try journal.list().records.map(\.id) == first.reversed())
        try pages("1000000")
        #expect(try journal.keep("large", .make(), large, .make()).count == 3)
        try journal.close()
    }

    private func leaveRoom(for more: Int64, in journal: Journal) throws {
        try journal.pool.writeWithoutTransaction { database in
            let pages = try Int64.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            _ = try Int64.fetchOne(database, sql: "PRAGMA max_page_count = \(pages + more)")
        }
    }

    @Test("A full disk: the ones that fit are kept though one does not, and notes wait")
    func fullForOne() async throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let first = try journal.keep("first", .make())[0]
        try leaveRoom(for: 8, in: journal)
        let other = try OtherWriter(fixture)
        let kept = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<6 {
                group.addTask {
                    try await onThread {
                        let size = number == 3 ? 1 << 20 : 10
                        let record = NewRecord(name: "n", payload: Data(repeating: 0x31, count: size))
                        let error = journalError { _ = try journal.keep("\(number)", record) }
                        #expect(error == nil || error?.code == .full)
                        return error == nil
                    }
                }
            }
            while journal.writer.waitingCount < 6 { await Task.yield() }
            journal.ended(first, .done(result: nil))
            try other.end()
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(kept == 5)
        #expect(try journal.state(of: first) == .done)
        #expect(try journal.list().records.count == 6)
        try journal.close()
    }

    @Test(
        "A full disk: a flush says that what was noted is not written, and it is written when there is room")
    func fullForNotes() throws {
        let fixture = try JournalFixture()
        let journal = try fixture.open()
        let first = try journal.keep("first", .make())[0]
        try leaveRoom(for: 0, in: journal)
        journal.ended(first, .done(result: Data(repeating: 0x31, count: 1 << 20)))
        for _ in 0..<2 { #expect(journalError { try journal.flush() }?.code == .full) }
        #expect(try journal.record(first)?.state == .waiting)
        try leaveRoom(for: 1 << 20, in: journal)
        #expect(try journal.state(of: first) == .done)
        #expect(try journal.record(first)?.result?.count == 1 << 20)
        try journal.close()
    }
}
