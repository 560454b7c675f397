import Testing

@testable import PostludeFastCGI

@Suite("ConnectionTimes")
struct ConnectionTimesTests {
    @Test("The bytes of a body that have arrived extend the time for the rest")
    func body() {
        let times = ConnectionTimes(leastRate: 500)
        #expect(times.body(of: 0, pause: .seconds(60)) == .seconds(60))
        #expect(times.body(of: 500, pause: .seconds(60)) == .seconds(61))
        #expect(times.body(of: 250, pause: .zero) == .milliseconds(500))
    }

    @Test("A count that overflows, and the absence of a least rate, mean no limit")
    func endless() {
        #expect(ConnectionTimes(leastRate: 500).body(of: .max, pause: .seconds(1)) > .seconds(1_000_000_000))
        #expect(ConnectionTimes(leastRate: 0).body(of: 1, pause: .seconds(1)) > .seconds(1_000_000_000))
    }
}
