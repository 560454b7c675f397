import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

@Suite("The files with the records that owners run", .timeLimit(.minutes(10)))
struct RunningRecordsTests {
    private let told = ReportedDeaths()

    private func survivor(_ fixture: SQLiteFileFixture) throws -> SQLiteTaskStore {
        try fixture.open { [told] settings in settings.died = { told.add($0) } }
    }

    @Test("An owner's file is removed with it, whether it has closed or died")
    func files() throws {
        let fixture = try SQLiteFileFixture()
        let (dead, closed, taskStore) = (try fixture.open(), try fixture.open(), try survivor(fixture))
        func names() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: fixture.folder)
                .filter { $0.contains("-owner-") }
        }
        #expect(try names().count == 3)
        let left = RunningRecords.path(ofOwner: 4711, taskStore: taskStore.path)
        #expect(FileManager.default.createFile(atPath: left, contents: nil))
        let late = try fixture.open()
        #expect(try names().count == 4 && !FileManager.default.fileExists(atPath: left))
        try late.close()
        fixture.die(dead)
        try closed.close()
        #expect(try taskStore.claim().isEmpty)
        #expect(try names() == ["tasks.sqlite-owner-\(try #require(taskStore.owner))"])
        let path = try "\(fixture.folder)/\(names()[0])"
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        try taskStore.close()
        #expect(try names().isEmpty)
    }

    @Test(
        "A dead owner's file that is missing, damaged or of another boot makes no record a suspect",
        arguments: ["", "garbage", "owner 1 serving 00000000-0000-0000-0000-000000000000\nruns ID\n"])
    func unreadable(text: String) throws {
        let fixture = try SQLiteFileFixture()
        let (dead, taskStore) = (try fixture.open(), try survivor(fixture))
        let id = try dead.append("a", .make())[0]
        dead.started(id)
        try dead.flush()
        fixture.die(dead)
        let path = RunningRecords.path(ofOwner: try #require(dead.owner), taskStore: taskStore.path)
        if text.isEmpty {
            try FileManager.default.removeItem(atPath: path)
        } else {
            let text = text.replacing("ID", with: id.text)
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
        #expect(try taskStore.claimedIDs() == [[id]])
        #expect(told.deaths.isEmpty)
        try taskStore.close()
    }

    @Test("Records beyond the file's initial size are in the file, each once")
    func many() throws {
        let fixture = try SQLiteFileFixture()
        let (dead, taskStore) = (try fixture.open(), try survivor(fixture))
        let ids = try (0..<200).map { try dead.append("\($0)", .make())[0] }
        for id in ids { dead.started(id) }
        for id in ids.prefix(150) { dead.ended(id, .done(result: nil)) }
        for id in ids.suffix(10) { dead.started(id) }
        try dead.flush()
        fixture.die(dead)
        #expect(try taskStore.claim().isEmpty)
        #expect(Set(told.deaths.map(\.record.id)) == Set(ids.suffix(50)))
        #expect(told.deaths.count == 50)
        try taskStore.close()
    }

    @Test("A removed file of an owner is created again, with the running records")
    func removed() throws {
        let fixture = try SQLiteFileFixture()
        let (dead, taskStore) = (try fixture.open(), try survivor(fixture))
        let (a, b) = (try dead.append("a", .make())[0], try dead.append("b", .make())[0])
        dead.started(a)
        dead.started(b)
        dead.blame(b)
        let path = RunningRecords.path(ofOwner: try #require(dead.owner), taskStore: taskStore.path)
        #expect(unlink(path) == 0)
        let c = try dead.append("c", .make())[0]
        dead.ended(a, .done(result: nil))
        dead.started(c)
        try dead.flush()
        fixture.die(dead)
        #expect(try taskStore.claim().isEmpty)
        #expect(Set(told.deaths.map(\.record.id)) == [b, c])
        #expect(try taskStore.record(b)?.error?.contains("tasks.kill-time") == true)
        try taskStore.close()
    }
}
