import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeSystem
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

@Suite("A task store's files while they are open", .timeLimit(.minutes(10)))
struct TaskStoreFilesTests {
    private func move(_ file: String, to name: String) { #expect(rename(file, name) == 0, "\(file)") }

    @Test(
        "A renamed file: the store accepts nothing, and continues when the file is back",
        arguments: ["", "-wal", "-shm"])
    func renamed(part: String) throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let first = try taskStore.append("first", .make())[0]
        move(fixture.path + part, to: fixture.path + ".away")
        let error = try #require(taskStoreError { _ = try taskStore.append("lost", .make()) })
        #expect(error.code == .moved && error.description.contains("\(fixture.path)\(part) has been removed"))
        #expect(taskStoreError { _ = try taskStore.claim() }?.code == .moved)
        move(fixture.path + ".away", to: fixture.path + part)
        let next = try taskStore.append("next", .make())[0]
        #expect(try taskStore.list().records.map(\.id) == [next, first])
        try taskStore.close()
    }

    @Test("A file that was replaced by another one: the store accepts nothing")
    func replaced() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        _ = try taskStore.append("first", .make())
        move(fixture.path, to: fixture.path + ".away")
        try FileManager.default.copyItem(atPath: fixture.path + ".away", toPath: fixture.path)
        #expect(taskStoreError { _ = try taskStore.append("lost", .make()) }?.code == .moved)
        try taskStore.close()
    }

    @Test("While a process has it open, no process opens a file in its place", arguments: ["", "-wal"])
    func opening(part: String) throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        _ = try taskStore.append("first", .make())
        move(fixture.path + part, to: fixture.path + ".away")
        let error = taskStoreError { try fixture.open().close() }
        #expect(error?.code == .moved, "\(error.map(String.init(describing:)) ?? "opened")")
        #expect(error?.isTemporary == true, "a process that serves without it tries again")
        #expect(!FileManager.default.fileExists(atPath: fixture.path + part), "nothing is left in its place")
        move(fixture.path + ".away", to: fixture.path + part)
        try fixture.open().close()
        try taskStore.close()
    }

    @Test("A removed WAL: the processes that have it open write it into the file when they close")
    func removedWAL() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let ids = try (0..<20).map { try taskStore.append("\($0)", .make())[0] }
        #expect(unlink(fixture.path + "-wal") == 0)
        #expect(taskStoreError { _ = try taskStore.append("lost", .make()) }?.code == .moved)
        try taskStore.close()
        let next = try fixture.open()
        #expect(try next.list().records.map(\.id) == ids.reversed())
        try next.close()
    }

    @Test("Closing files that have lost their names does not affect the files that have them now")
    func closing() throws {
        let fixture = try SQLiteFileFixture()
        let old = try fixture.open()
        _ = try old.append("old", .make())
        for part in ["", "-wal", "-shm", "-owners"] {
            move(fixture.path + part, to: fixture.path + ".old" + part)
        }
        let new = try fixture.open()
        let first = try new.append("first", .make())[0]
        try old.close()
        #expect(FileManager.default.fileExists(atPath: fixture.path + "-wal"))
        let next = try new.append("next", .make())[0]
        #expect(try new.list().records.map(\.id) == [next, first])
        try new.close()
    }

    // MARK: The lock file

    @Test(
        "If the lock file is removed, a live process keeps its running records, even beside one that opens then"
    )
    func ownersRemoved() throws {
        let fixture = try SQLiteFileFixture()
        let one = try fixture.open()
        let ids = try one.append("r", .make(), .make())
        one.started(ids[0])
        try one.flush()
        #expect(unlink(fixture.path + "-owners") == 0)
        let owner = try #require(one.owner)
        let two = try fixture.open()
        // The first one has not noticed it yet.
        #expect(try two.claim().isEmpty)
        let more = try one.append("more", .make())
        #expect(
            try ByteLock.isHeld(bytes: owner..<owner + 1, of: fixture.path + "-owners"))
        // As if the waiting time for it were over.
        let file = try #require(FileHandle(forWritingAtPath: fixture.path + "-owners"))
        try file.seek(toOffset: 128)
        try file.write(contentsOf: Data("0\n".utf8))
        #expect(try two.claim().isEmpty)
        fixture.die(one)
        #expect(try two.claimedIDs() == [more])
        // Its process died while it ran: it waits for a while.
        fixture.clock.advance(1)
        #expect(try two.claimedIDs() == [ids])
        try two.close()
    }

    @Test("An owner whose row was removed is registered again")
    func rowRemoved() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        try taskStore.pool.write { try $0.execute(sql: "DELETE FROM owner") }
        let ids = try taskStore.append("r", .make())
        let (owners, record) = try taskStore.pool.read { database in
            (
                try Int64.fetchAll(database, sql: "SELECT number FROM owner"),
                try Int64.fetchOne(database, sql: "SELECT owner FROM record")
            )
        }
        #expect(owners == [taskStore.owner] && record == taskStore.owner && ids.count == 1)
        try taskStore.close()
        let next = try fixture.open()
        #expect(try next.read { try $0.numbers("SELECT number FROM owner") } == [next.owner])
        try next.close()
    }

    @Test("A visitor does not create the lock file, or creates it with the task store's owner")
    func ownership() throws {
        let fixture = try SQLiteFileFixture()
        #expect(chmod(fixture.folder, 0o777) == 0)
        let helper = try StoreProcess("append", fixture, ["10"], as: "nobody")
        #expect(helper.finish() == 0)
        #expect(unlink(fixture.path + "-owners") == 0)
        let visitor = try fixture.open(role: .visitor)
        _ = try visitor.list()
        #expect(!FileManager.default.fileExists(atPath: fixture.path + "-owners"))
        try visitor.close()
        // Root comes first.
        try fixture.open().close()
        var (taskStore, locks) = (stat(), stat())
        #expect(stat(fixture.path, &taskStore) == 0 && stat(fixture.path + "-owners", &locks) == 0)
        #expect(
            taskStore.st_uid == locks.st_uid && taskStore.st_gid == locks.st_gid
                && taskStore.st_mode == locks.st_mode)
        let again = try StoreProcess("append", fixture, ["10"], as: "nobody")
        #expect(again.finish() == 0)
    }

    @Test("Reading does not wait for a process that opens the task store, such as a stopped one")
    func lookingWhileOpening() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", .make())
        let opening = try OwnerLocks(taskStore: fixture.path).takeOpening(within: .seconds(1))
        let visitor = try fixture.open(role: .visitor, lockTimeout: .zero)
        #expect(try visitor.list().records.map(\.id) == ids)
        try visitor.close()
        withExtendedLifetime(opening) {}
        try taskStore.close()
    }

    // MARK: Backups

    /// A task store with a WAL that a crash has left, and an earlier backup.
    private func crashed() throws -> (
        fixture: SQLiteFileFixture, backup: String, old: Set<RecordID>, new: Set<RecordID>
    ) {
        let fixture = try SQLiteFileFixture()
        var old: Set<RecordID> = []
        let first = try fixture.open()
        old.insert(try first.append("backed up", .make())[0])
        let backup = fixture.folder + "/backup"
        let copy = try DatabaseQueue(path: backup)
        try first.pool.backup(to: copy)
        try copy.close()
        for number in 0..<10 { old.insert(try first.append("\(number)", .make())[0]) }
        try first.close()
        let helper = try StoreProcess("flood", fixture)
        var new: Set<RecordID> = []
        for _ in 0..<20 {
            let line = try #require(helper.line())
            new.formUnion(line.split(separator: " ").compactMap { RecordID(String($0)) })
        }
        helper.die()
        #expect(helper.finish() != 0)
        return (fixture, backup, old, new)
    }

    private func ids(_ taskStore: SQLiteTaskStore) throws -> Set<RecordID> {
        Set(try taskStore.list(limit: 100_000).records.map(\.id))
    }

    @Test("A backup copied beside the WAL of a crash is refused, and is complete without that WAL")
    func wrongWAL() throws {
        let (fixture, backup, old, new) = try crashed()
        let previous = try #require(FileManager.default.contents(atPath: fixture.path))
        // Over the file, like cp.
        let bytes = try #require(FileManager.default.contents(atPath: backup))
        try bytes.write(to: URL(fileURLWithPath: fixture.path))
        for role in [TaskStoreRole.process, .visitor] {
            let error = taskStoreError { try fixture.open(role: role).close() }
            #expect(
                error?.code == .damaged && error?.description.contains("belongs to another state") == true)
        }
        #expect(FileManager.default.contents(atPath: fixture.path) == bytes, "nothing was written into it")
        // The previous file, with its own WAL.
        try previous.write(to: URL(fileURLWithPath: fixture.path))
        let taskStore = try fixture.open()
        #expect(try ids(taskStore).isSuperset(of: old.union(new)))
        try taskStore.close()
    }

    @Test("A restored backup has its records, and the previous task store is kept completely")
    func restored() throws {
        let (fixture, backup, old, new) = try crashed()
        let previous = try #require(try SQLiteTaskStore.restore(backup, to: fixture.path))
        let taskStore = try fixture.open()
        let restored = try ids(taskStore)
        #expect(restored.count == 1 && restored.isSubset(of: old))
        #expect(try taskStore.pool.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
        _ = try taskStore.append("next", .make())
        // While it is open it cannot be replaced.
        #expect(
            taskStoreError { _ = try SQLiteTaskStore.restore(backup, to: fixture.path) }?.code == .refused)
        try taskStore.close()
        var status = stat()
        #expect(stat(fixture.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let before = try SQLiteTaskStore(path: previous)
        #expect(try ids(before).isSuperset(of: old.union(new)))
        try before.close()
    }

    @Test("A file that is damaged, or not a task store, is not restored")
    func badBackups() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        try taskStore.close()
        #expect(
            taskStoreError { _ = try SQLiteTaskStore.restore(fixture.folder + "/none", to: fixture.path) }?
                .code
                == .missing)
        let other = fixture.folder + "/other"
        let database = try DatabaseQueue(path: other)
        try database.write { try $0.execute(sql: "CREATE TABLE user (name)") }
        try database.close()
        #expect(taskStoreError { _ = try SQLiteTaskStore.restore(other, to: fixture.path) }?.code == .foreign)
        try Data(repeating: 0x31, count: 10_000).write(to: URL(fileURLWithPath: other))
        #expect(taskStoreError { _ = try SQLiteTaskStore.restore(other, to: fixture.path) }?.code == .foreign)
        let next = try fixture.open()
        #expect(try next.list().records.map(\.id) == [id])
        try next.close()
        let left = try FileManager.default.contentsOfDirectory(atPath: fixture.folder)
        #expect(left.sorted() == ["other", "tasks.sqlite", "tasks.sqlite-owners"])
    }

    // MARK: The clock

    @Test(
        "If the clock is set back, a dead process's records, and those that were to run at once, are due now")
    func clockBack() throws {
        let fixture = try SQLiteFileFixture()
        let (dead, left, other) = (try fixture.open(), try fixture.open(), try fixture.open())
        let first = try dead.append("dead", .make(), .make())
        let second = try left.append("left", .make())
        let third = try other.append("for others", .make(), runsHere: false)
        let later = try other.append(
            "later", .make { $0.notBefore = fixture.clock.now.addingTimeInterval(60) }, runsHere: false)
        fixture.clock.advance(-3_600)
        fixture.die(dead)
        try left.close()
        #expect(try Set(other.claimedIDs()) == [first, second, third])
        fixture.clock.advance(3_661)
        #expect(try other.claimedIDs() == [later])
        try other.close()
    }
}
