import PostludeSystem
import Testing

@testable import PostludeSupervision

@Suite("When a process is replaced")
struct RestartPolicyTests {
    private static let start = MonotonicTime(nanoseconds: 0)

    private static var working: RestartPolicy {
        var policy = RestartPolicy()
        policy.becameReady()
        return policy
    }

    private func diesYoung(_ policy: inout RestartPolicy, limit: Int = 1) -> RestartPolicy.Decision {
        policy.died(at: Self.start + .seconds(1), startedAt: Self.start, limit: limit)
    }

    @Test("The first process that dies is replaced at once")
    func first() {
        var policy = Self.working
        #expect(diesYoung(&policy) == .replace(after: .zero))
    }

    @Test("Processes of a working program are replaced without limit, with growing delays if they die young")
    func forever() {
        var policy = Self.working
        let delays = (0..<1000).map { _ in diesYoung(&policy) }
        let expected: [Duration] = [
            .zero, .milliseconds(50), .milliseconds(100), .milliseconds(200), .milliseconds(400),
            .milliseconds(800), .seconds(1),
        ]
        #expect(delays.prefix(7) == expected.map { .replace(after: $0) }[...])
        #expect(delays.dropFirst(7).allSatisfy { $0 == .replace(after: .seconds(1)) })
    }

    @Test("A process that has run for a while resets the count of early deaths")
    func reset() {
        var policy = Self.working
        for _ in 0..<5 { _ = diesYoung(&policy) }
        func died(at second: Int, startedAt start: Int) -> RestartPolicy.Decision {
            policy.died(at: Self.start + .seconds(second), startedAt: Self.start + .seconds(start), limit: 1)
        }
        #expect(died(at: 20, startedAt: 0) == .replace(after: .zero))
        #expect(died(at: 21, startedAt: 20) == .replace(after: .zero))
    }

    @Test("If no process was ever ready, the delays grow further, and the supervisor gives up after a limit")
    func neverReady() {
        var policy = RestartPolicy()
        let decisions = (0..<10).map { _ in diesYoung(&policy, limit: 10) }
        let delays: [Duration] = [
            .zero, .milliseconds(50), .milliseconds(100), .milliseconds(200), .milliseconds(400),
            .milliseconds(800), .milliseconds(1600), .milliseconds(3200), .seconds(5),
        ]
        #expect(decisions == delays.map { .replace(after: $0) } + [.giveUp(deaths: 10)])
        policy.tryAgain()
        #expect(diesYoung(&policy, limit: 2) == .replace(after: .zero))
        policy.becameReady()
        #expect(diesYoung(&policy, limit: 2) == .replace(after: .milliseconds(50)))
    }
}
