import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@testable import PostludeSQLiteStore

@Suite("Tables of earlier versions", .timeLimit(.minutes(10)))
struct EarlierTablesTests {
    /// Makes a file as the version with these migrations has made it, with a record.
    private func make(_ path: String, upTo migration: String) throws {
        let pool = try DatabasePool(path: path)
        try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA application_id = \(TaskStoreSchema.applicationID)")
        }
        try TaskStoreSchema.migrator.migrate(pool, upTo: migration)
        try pool.write { database in
            try database.execute(
                sql: """
                    INSERT INTO record (number, id, head, request, route, position, name, priority, state, added, due, payload)
                    VALUES (1, '01900000-0000-7000-8000-000000000000', 1, 'r', '', 0, 'charge', 1, 0, 1, 1, '{}')
                    """)
        }
        try pool.close()
    }

    private func pending(_ path: String) throws -> [String] {
        try SQLiteTaskStore.pendingMigrations(of: path).map(\.name)
    }

    @Test("What a program has to decode is read without migrating them; opening the task store does that")
    func reading() throws {
        let all = TaskStoreSchema.migrations.map(\.name)
        for (index, migration) in all.enumerated() {
            let fixture = try SQLiteFileFixture()
            try make(fixture.path, upTo: migration)
            var found: [RecordContent] = []
            let isThere = try SQLiteFileDriver().readContents(of: fixture.path) { page in
                found += page
                return true
            }
            #expect(isThere && found.map(\.name) == ["charge"] && found.map(\.version) == [1], "\(migration)")
            #expect(try pending(fixture.path) == Array(all.dropFirst(index + 1)))
            let taskStore = try fixture.open()
            #expect(try taskStore.claim().first?.records.first?.shape == nil)
            #expect(try taskStore.counts()[.waiting] == 1)
            try taskStore.close()
            #expect(try pending(fixture.path).isEmpty)
        }
    }
}
