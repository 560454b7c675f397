import Linux
import Testing

@testable import Supervision

@Suite("When a process is replaced")
struct RestartPolicyTests {
    private static let start = MonotonicTime(nanoseconds: 0)

    @Test("The first one that dies is replaced at once")
    func first() {
        var policy = RestartPolicy(limit: 10, interval: .seconds(60))
        #expect(policy.died(at: Self.start + .seconds(1), startedAt: Self.start) == .replace(after: .zero))
    }

    @Test("Those that die soon after their start are replaced later and later")
    func growing() {
        var policy = RestartPolicy(limit: 100, interval: .seconds(60))
        let delays = (0..<10).map { _ in policy.died(at: Self.start + .seconds(1), startedAt: Self.start) }
        let expected: [Duration] = [
            .zero, .milliseconds(50), .milliseconds(100), .milliseconds(200), .milliseconds(400),
            .milliseconds(800), .milliseconds(1600), .milliseconds(3200), .seconds(5), .seconds(5),
        ]
        #expect(delays == expected.map { .replace(after: $0) })
    }

    @Test("One that has worked for a while ends the row of early deaths")
    func reset() {
        var policy = RestartPolicy(limit: 100, interval: .seconds(60))
        for _ in 0..<5 { _ = policy.died(at: Self.start + .seconds(1), startedAt: Self.start) }
        #expect(policy.died(at: Self.start + .seconds(20), startedAt: Self.start) == .replace(after: .zero))
        let again = policy.died(at: Self.start + .seconds(21), startedAt: Self.start + .seconds(20))
        #expect(again == .replace(after: .zero))
    }

    @Test("So many deaths within the interval are too many; older ones do not count")
    func emergency() {
        var policy = RestartPolicy(limit: 3, interval: .seconds(60))
        func died(at second: Int) -> RestartPolicy.Decision {
            policy.died(
                at: Self.start + .seconds(second), startedAt: Self.start + .seconds(second - 30))
        }
        #expect(died(at: 100) == .replace(after: .zero))
        #expect(died(at: 130) == .replace(after: .zero))
        #expect(died(at: 170) == .replace(after: .zero))
        #expect(died(at: 180) == .giveUp(deaths: 3))
    }
}
