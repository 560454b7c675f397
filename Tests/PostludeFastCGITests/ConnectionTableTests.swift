import PostludeSystem
import Synchronization
import Testing

@testable import PostludeFastCGI

@Suite("ConnectionTable")
struct ConnectionTableTests {
    /// A connection with an invalid descriptor: the table never touches it.
    private func connection() -> Connection {
        Connection(descriptor: -1, peer: .unix(path: ""), limits: GateLimits(), times: ConnectionTimes())
    }

    @Test("only an armed connection can be claimed, and once")
    func claim() throws {
        let table = ConnectionTable(capacity: 4)
        let first = connection()
        #expect(table.insert(first))
        #expect(table.arm(first))
        #expect(table.claim(first.token) === first)
        #expect(table.claim(first.token) == nil)
    }

    @Test("an event that arrives while a connection is held is not lost")
    func fired() {
        let table = ConnectionTable(capacity: 4)
        let first = connection()
        #expect(table.insert(first))
        #expect(table.claim(first.token) == nil)
        #expect(!table.arm(first))
        // The caller still holds it, has looked, and releases it.
        #expect(table.arm(first))
        #expect(table.claim(first.token) === first)
    }

    @Test("an old token does not find the connection that has replaced its own")
    func generations() throws {
        let table = ConnectionTable(capacity: 1)
        let old = connection()
        #expect(table.insert(old))
        let token = old.token
        table.remove(old)
        let new = connection()
        #expect(table.insert(new))
        #expect(table.arm(new))
        #expect(token != new.token)
        #expect(table.claim(token) == nil)
        #expect(table.claim(UInt64.max) == nil)
        #expect(table.claim(new.token) === new)
        #expect(table.count == 1)
    }

    @Test("a connection that is not in the table is not armed: its caller still holds it")
    func foreign() {
        let (large, small) = (ConnectionTable(capacity: 2), ConnectionTable(capacity: 1))
        let all = [connection(), connection()]
        for one in all { #expect(large.insert(one)) }
        #expect(!small.arm(all[1]))
        #expect(large.arm(all[1]))
        #expect(large.claim(all[1].token) === all[1])
    }

    @Test("accepts no more connections than its capacity")
    func full() {
        let table = ConnectionTable(capacity: 2)
        let all = (0..<3).map { _ in connection() }
        #expect(all.map { table.insert($0) } == [true, true, false])
        table.remove(all[0])
        #expect(table.insert(all[2]))
    }

    @Test("the control thread claims armed, overdue connections")
    func overdue() throws {
        let table = ConnectionTable(capacity: 4)
        let all = (0..<3).map { _ in connection() }
        for one in all { #expect(table.insert(one)) }
        all[0].deadline = MonotonicTime(nanoseconds: 10)
        all[1].deadline = MonotonicTime(nanoseconds: 20)
        for one in all { #expect(table.arm(one)) }
        let overdue = table.claimOverdue(at: MonotonicTime(nanoseconds: 10))
        #expect(overdue.map(ObjectIdentifier.init) == [ObjectIdentifier(all[0])])
        #expect(table.claimOverdue(at: MonotonicTime(nanoseconds: 10)).isEmpty)
        #expect(table.claimArmed().count == 2)
    }

    @Test("if many threads claim the same connection, one gets it")
    func race() async throws {
        let table = ConnectionTable(capacity: 4)
        let contended = connection()
        #expect(table.insert(contended))
        for _ in 0..<200 {
            #expect(table.arm(contended))
            let token = contended.token
            let winners = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<4 { group.addTask { table.claim(token) == nil ? 0 : 1 } }
                return await group.reduce(0, +)
            }
            #expect(winners == 1)
            // The losers' events arrived while the winner held it.
            #expect(!table.arm(contended) && table.arm(contended))
            #expect(table.claim(token) === contended)
        }
    }
}
