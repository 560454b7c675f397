import Foundation
import GRDB
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Synchronization
import Testing

@testable import PostludeSQLiteStore

@Suite("Group commit", .timeLimit(.minutes(10)))
struct GroupCommitTests {
    @Test("Sixteen callers that append while another process writes share one transaction")
    func shared() async throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let other = try OtherWriter(fixture)
        let before = taskStore.transactions
        let waiting = Counter()
        try await withThrowingTaskGroup(of: [AppendResult].self) { group in
            for number in 0..<16 {
                group.addTask {
                    try await onThread {
                        waiting.add()
                        return try taskStore.append(NewRequest(id: "\(number)", records: [.make()]))
                    }
                }
            }
            while waiting.value < 16 || taskStore.writer.waitingCount < 16 { await Task.yield() }
            try other.end()
            var ids: Set<RecordID> = []
            for try await appended in group { ids.formUnion(appended.map(\.id)) }
            #expect(ids.count == 16)
        }
        #expect(taskStore.transactions == before + 1)
        #expect(try taskStore.list(limit: 100).records.count == 16)
        try taskStore.close()
    }

    @Test("A failed append does not fail the others")
    func ownErrors() async throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let taken = try taskStore.append("first", .make())[0]
        let other = try OtherWriter(fixture)
        let before = taskStore.transactions
        try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<8 {
                group.addTask {
                    try await onThread {
                        // Every second one has an id that exists already, in its second record.
                        let second = NewRecord.make { if number % 2 == 1 { $0.id = taken } }
                        let request = NewRequest(id: "\(number)", records: [.make(), second])
                        do throws(TaskStoreError) {
                            _ = try taskStore.append(request)
                            return "appended"
                        } catch {
                            return "\(error.code == .refused) \(error)"
                        }
                    }
                }
            }
            while taskStore.writer.waitingCount < 8 { await Task.yield() }
            try other.end()
            var results: [String] = []
            for try await result in group { results.append(result) }
            #expect(results.filter { $0 == "appended" }.count == 4)
            #expect(results.filter { $0.hasPrefix("true") && $0.contains("UNIQUE") }.count == 4, "\(results)")
        }
        // A transaction for each, because the shared one was lost.
        #expect(taskStore.transactions == before + 4)
        // No part of the failed ones is stored.
        let records = try taskStore.list(limit: 100).records
        #expect(records.count == 1 + 4 * 2)
        #expect(Set(records.map(\.request)) == ["first", "0", "2", "4", "6"])
        try taskStore.close()
    }

    @Test("A caller that waits longer than its time gets the error, and nothing is stored")
    func lockedTooLong() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open(lockTimeout: .milliseconds(300))
        let other = try OtherWriter(fixture)
        let error = taskStoreError { _ = try taskStore.append("late", .make()) }
        #expect(error?.code == .locked && error?.isTemporary == true)
        #expect(error?.description.contains("another program has written to it for too long") == true)
        try other.end()
        #expect(try taskStore.list().records.isEmpty)
        #expect(try taskStore.append("next", .make()).count == 1)
        try taskStore.close()
    }

    @Test(
        "Deferred updates are written with the next transaction, before appends that begin to wait after them"
    )
    func notes() throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        let id = try taskStore.append("r", .make())[0]
        let before = taskStore.transactions
        for _ in 0..<50 { taskStore.started(id) }
        taskStore.ended(id, .done(result: Data("7".utf8)))
        try taskStore.flush()
        // At most the writer's own one, if it had begun meanwhile.
        #expect(taskStore.transactions <= before + 2)
        let record = try #require(try taskStore.record(id))
        #expect(record.attempts == 50 && record.state == .done && record.result == Data("7".utf8))
        try taskStore.close()
    }

    @Test("Sixteen threads at once, each with its own records, need far fewer transactions than appends")
    func manyThreads() async throws {
        let fixture = try SQLiteFileFixture()
        let taskStore = try fixture.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<16 {
                group.addTask {
                    try await onThread {
                        for number in 0..<25 {
                            _ = try taskStore.append("\(thread)-\(number)", .make(), .make("mail"))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try taskStore.counts()[.waiting] == 800)
        #expect(taskStore.transactions < 400, "\(taskStore.transactions)")
        try taskStore.close()
    }
}

final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func add() { count.add(1, ordering: .sequentiallyConsistent) }
}

/// Another program that writes into a task store until it is told to end.
final class OtherWriter: Sendable {
    private let database: DatabaseQueue

    init(_ fixture: SQLiteFileFixture) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        database = try DatabaseQueue(path: fixture.path, configuration: configuration)
        try database.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    }

    func end() throws { try database.writeWithoutTransaction { try $0.execute(sql: "COMMIT") } }
}
