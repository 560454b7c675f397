import PostludeSystem
import Testing

@Suite("MonotonicTime")
struct MonotonicTimeTests {
    @Test("A duration is added, and is the difference")
    func arithmetic() {
        let time = MonotonicTime(nanoseconds: 1_000)
        #expect(time + .microseconds(2) == MonotonicTime(nanoseconds: 3_000))
        #expect(time + .microseconds(2) - time == .microseconds(2))
        #expect(time < time + .nanoseconds(1))
    }

    @Test("An endless duration stays in the future")
    func saturation() {
        let endless = Duration(secondsComponent: .max, attosecondsComponent: 0)
        #expect(MonotonicTime.now + endless == MonotonicTime(nanoseconds: .max))
        #expect(endless.saturatedNanoseconds == .max)
        let past = Duration(secondsComponent: .min, attosecondsComponent: 0)
        #expect(past.saturatedNanoseconds == .min)
        #expect(Duration.nanoseconds(-1).saturatedNanoseconds == -1)
    }

    @Test("Time does not decrease")
    func now() {
        let times = (0..<1000).map { _ in MonotonicTime.now }
        #expect(times == times.sorted())
    }
}
