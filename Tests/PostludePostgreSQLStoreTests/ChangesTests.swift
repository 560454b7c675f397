import Foundation
import PostludePostgreSQLStore
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("The list of changes, with transactions that overlap", .timeLimit(.minutes(10)))
struct ChangesTests {
    private final class Connection: ApplicationConnection {
        let transaction: OpenTransaction
        init(_ transaction: OpenTransaction) { self.transaction = transaction }
    }

    @Test("A transaction that is committed after later ones is not skipped, and its changes come once")
    func committedLate() throws {
        let fixture = try PostgreSQLFixture()
        var settings = TaskStoreSettings()
        settings.lockTimeout = .seconds(60)
        let driver = PostgreSQLDriver(.connections(limit: 4, as: Connection.self))
        let one = try driver.open(fixture.place, role: .process, settings: settings)
        let ids = try one.append("r", .make(), .make())
        let numbers = try ids.map { try #require(try one.record($0)).number }
        for id in ids { one.started(id) }
        try one.flush()
        try one.listChanges(for: .seconds(60))
        let begun = try one.changes(after: nil)
        let late = try one.openTransaction(.write)
        try late.perform {
            try late.begin()
            try late.end(ids[0], .done(result: nil))
        }
        one.ended(ids[1], .done(result: nil))
        try one.flush()
        let first = try one.changes(after: begun.position)
        #expect(first.numbers == [numbers[1]])
        try late.commit()
        let second = try one.changes(after: first.position)
        #expect(second.numbers == [numbers[0]])
        #expect(try one.changes(after: second.position).numbers.isEmpty)
        try one.close()
    }
}
