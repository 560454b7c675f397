import Glibc
import Testing

@testable import FastCGI

@Suite("ConnectionTable")
struct ConnectionTableTests {
    /// A connection of a descriptor that is none: the table never touches it.
    private func connection() -> Connection {
        Connection(descriptor: -1, peer: .unix(path: ""), limits: GateLimits(), times: ConnectionTimes())
    }

    @Test("only an armed connection can be claimed, and once")
    func claim() {
        var table = ConnectionTable()
        let first = connection()
        table.insert(first)
        #expect(table.claim(first.token) == nil)
        table.arm(first)
        #expect(table.claim(first.token) === first)
        #expect(table.claim(first.token) == nil)
    }

    @Test("an old token does not find the connection that has taken its place")
    func generations() {
        var table = ConnectionTable()
        let old = connection()
        table.insert(old)
        let token = old.token
        table.remove(old)
        let new = connection()
        table.insert(new)
        table.arm(new)
        #expect(token != new.token)
        #expect(table.claim(token) == nil)
        #expect(table.claim(UInt64.max) == nil)
        table.remove(old)
        #expect(table.count == 1)
        #expect(table.claim(new.token) === new)
    }

    @Test("takes out armed connections only")
    func removal() {
        var table = ConnectionTable()
        let busy = connection()
        let idle = connection()
        table.insert(busy)
        table.insert(idle)
        table.arm(idle)
        #expect(table.removeArmed { _ in true }.map(ObjectIdentifier.init) == [ObjectIdentifier(idle)])
        #expect(table.count == 1)
    }
}
