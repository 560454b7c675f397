import Postlude
import Testing

@Suite("Durations in minutes, hours and days")
struct DurationUnitsTests {
    @Test("each is a number of seconds, also a negative one and the largest one")
    func seconds() {
        #expect(Duration.minutes(3) == .seconds(180))
        #expect(Duration.hours(2) == .seconds(7200))
        #expect(Duration.days(7) == .seconds(604_800) && Duration.days(-1) == .seconds(-86_400))
        #expect(Duration.days(1 << 40) > .days(1 << 39))
    }
}
