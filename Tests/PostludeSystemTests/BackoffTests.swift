import Testing

@testable import PostludeSystem

@Suite("Backoff")
struct BackoffTests {
    @Test("Each delay grows by the factor, up to the maximum")
    func growth() {
        var backoff = Backoff(initial: .milliseconds(100), factor: 3, maximum: .seconds(1))
        let delays = (1...5).map { _ in backoff.next() }
        #expect(
            delays == [
                .milliseconds(100), .milliseconds(300), .milliseconds(900), .seconds(1), .seconds(1),
            ])
    }

    @Test("After a reset the delays begin anew")
    func reset() {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(60))
        #expect([backoff.next(), backoff.next()] == [.seconds(1), .seconds(2)])
        backoff.reset()
        #expect([backoff.next(), backoff.next()] == [.seconds(1), .seconds(2)])
    }

    @Test("A caller that counts the failures gets the same delays")
    func counted() {
        let backoff = Backoff(initial: .microseconds(100), maximum: .milliseconds(2))
        var counting = backoff
        for failures in 1...70 { #expect(backoff.delay(after: failures) == counting.next()) }
        #expect(backoff.delay(after: 0) == .microseconds(100))
        #expect(backoff.delay(after: .max) == .milliseconds(2))
    }

    @Test("Jitter makes a delay longer or shorter by its part, also the longest")
    func jitter() {
        let backoff = Backoff(initial: .seconds(10), maximum: .seconds(60), jitter: 0.2)
        #expect(backoff.delay(after: 1, random: 1) == .seconds(12))
        #expect(backoff.delay(after: 1, random: -1) == .seconds(8))
        #expect(backoff.delay(after: 9, random: 1) == .seconds(72))
        #expect(backoff.delay(after: 9, random: -1) == .seconds(48))
    }

    @Test("A factor of one keeps the delay, a smaller one shortens it; neither costs time")
    func smallFactors() {
        let constant = Backoff(initial: .seconds(5), factor: 1, maximum: .seconds(60))
        #expect(constant.delay(after: .max) == .seconds(5))
        let shrinking = Backoff(initial: .seconds(8), factor: 0.5, maximum: .seconds(60))
        #expect((1...3).map { shrinking.delay(after: $0) } == [.seconds(8), .seconds(4), .seconds(2)])
        #expect(shrinking.delay(after: 10_000) == .zero)
    }

    @Test("Values out of range do not trap")
    func extremes() {
        let endless = Duration.seconds(Int64.max)
        let wild = [
            Backoff(initial: endless, factor: .infinity, maximum: endless, jitter: .infinity),
            Backoff(initial: .seconds(-5), factor: -2, maximum: .seconds(-1), jitter: .nan),
            Backoff(initial: .nanoseconds(1), factor: .nan, maximum: endless, jitter: 7),
            Backoff(initial: .seconds(1), factor: 1e300, maximum: endless, jitter: 1),
        ]
        for backoff in wild {
            for failures in [1, 2, 60] {
                for random in [-1.0, 0, 1] {
                    let delay = backoff.delay(after: failures, random: random)
                    #expect(delay >= .zero && delay <= .seconds(1_000_000_000))
                }
            }
        }
    }
}
