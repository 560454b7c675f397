import Foundation
import PostludePostgreSQLStore
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("A server that stops and starts", .timeLimit(.minutes(10)))
struct RestartTests {
    @Test("Writes wait for the server, and notes are kept until it is back")
    func waiting() async throws {
        let server = try PostgreSQLServer()
        let fixture = try PostgreSQLFixture(on: server)
        let taskStore = try fixture.open(lockTimeout: .seconds(120))
        let ids = try taskStore.append("r", .make(), .make())
        let owner = taskStore.owner
        try server.stop()
        taskStore.started(ids[0])
        taskStore.ended(ids[0], .done(result: Data("7".utf8)))
        async let later = onThread { try taskStore.append("later", .make()) }
        try server.start()
        let added = try await later
        #expect(try taskStore.state(of: ids[0]) == .done && taskStore.record(ids[0])?.attempts == 1)
        #expect(try taskStore.record(added[0])?.owner == owner && taskStore.owner == owner)
        #expect(try taskStore.claim().isEmpty)
        try taskStore.close()
    }

    @Test("While the server cannot be reached, a write fails as a temporary error after the lock timeout")
    func unreachable() throws {
        let server = try PostgreSQLServer()
        let fixture = try PostgreSQLFixture(on: server)
        let taskStore = try fixture.open(lockTimeout: .milliseconds(300))
        try server.stop()
        #expect(taskStoreError { _ = try taskStore.append("r", .make()) }?.isTemporary == true)
        #expect(taskStoreError { _ = try taskStore.list() }?.isTemporary == true)
        #expect(taskStoreError { _ = try fixture.open() }?.isTemporary == true)
        try server.start()
        while (try? taskStore.append("r", .make())) == nil { usleep(10_000) }
        #expect(try taskStore.list().records.count == 1)
        try taskStore.close()
    }

    @Test(
        "After the server has stopped at once under 16 clients, all acknowledged records exist, and are claimed once"
    )
    func stops() throws {
        let server = try PostgreSQLServer()
        let fixture = try PostgreSQLFixture(on: server)
        let helper = try StoreProcess("flood", fixture, ["16"])
        let taskStore = try fixture.openNow()
        var acknowledged: Set<String> = []
        for _ in 0..<4 {
            for _ in 0..<Int.random(in: 20...60) {
                guard let line = helper.line() else { break }
                acknowledged.formUnion(line.split(separator: " ").map(String.init))
            }
            try server.stop()
            try server.start()
        }
        for _ in 0..<40 {
            guard let line = helper.line() else { break }
            acknowledged.formUnion(line.split(separator: " ").map(String.init))
        }
        helper.die()
        for line in helper.lines() { acknowledged.formUnion(line.split(separator: " ").map(String.init)) }
        var there: [String: RecordState] = [:]
        var after: Int64?
        repeat {
            let page = try taskStore.list(after: after, limit: 500)
            for record in page.records { there[record.id.text] = record.state }
            after = page.next
        } while after != nil
        #expect(acknowledged.count >= 200 && acknowledged.subtracting(there.keys).isEmpty)
        var claimed: [String] = []
        let end = Date().addingTimeInterval(60)
        let open = there.filter { $0.value == .waiting || $0.value == .running }.keys
        while claimed.count < open.count, Date() < end {
            claimed += try taskStore.claim().flatMap(\.records).map(\.id.text)
            usleep(5_000)
        }
        #expect(Set(claimed).count == claimed.count)
        #expect(Set(open) == Set(claimed))
        try taskStore.close()
    }
}
