import Testing

@testable import Postlude

@Suite("RetryPolicy")
struct RetryPolicyTests {
    private func delays(_ policy: RetryPolicy, random: Double = 0, count: Int) -> [Duration?] {
        (1...count).map { policy.delay(after: $0, random: random) }
    }

    @Test("each delay grows by the factor, up to the maximum, for each attempt")
    func backoff() {
        let policy = RetryPolicy(attempts: 5, delay: .seconds(1), factor: 3, maximumDelay: .seconds(10))
        #expect(
            delays(policy, count: 6) == [.seconds(1), .seconds(3), .seconds(9), .seconds(10), nil, nil])
    }

    @Test("without a policy there is one attempt", arguments: [RetryPolicy.none, RetryPolicy(attempts: -3)])
    func none(policy: RetryPolicy) {
        #expect(policy.delay(after: 1, random: 0) == nil)
    }

    @Test("jitter makes a delay longer or shorter by its fraction")
    func jitter() {
        let policy = RetryPolicy(attempts: 2, delay: .seconds(10), jitter: 0.2)
        #expect(policy.delay(after: 1, random: 1) == .seconds(12))
        #expect(policy.delay(after: 1, random: -1) == .seconds(8))
        #expect(policy.delay(after: 1, random: 0.5) == .seconds(11))
    }

    @Test("values out of range neither trap nor hang")
    func extremes() {
        let wild = [
            RetryPolicy(
                attempts: .max, delay: .seconds(Int64.max), factor: .infinity,
                maximumDelay: .seconds(Int64.max)),
            RetryPolicy(
                attempts: .max, delay: .seconds(-5), factor: -2, maximumDelay: .seconds(-1), jitter: .nan),
            RetryPolicy(attempts: .max, delay: .nanoseconds(1), factor: .nan, jitter: 7),
            RetryPolicy(
                attempts: .max, delay: .seconds(1), factor: 1e300, maximumDelay: .seconds(Int64.max),
                jitter: 1),
        ]
        for policy in wild {
            for failures in [1, 2, 60] {
                for random in [-1.0, 0, 1] {
                    let delay = policy.delay(after: failures, random: random)
                    #expect(delay.map { $0 >= .zero && $0 <= .seconds(1_000_000_000) } == true)
                }
            }
        }
    }

    @Test("many failures cost no more than few")
    func many() {
        let policy = RetryPolicy(attempts: .max, delay: .seconds(1), factor: 2, maximumDelay: .seconds(60))
        #expect(policy.delay(after: 1_000_000, random: 0) == .seconds(60))
    }
}
