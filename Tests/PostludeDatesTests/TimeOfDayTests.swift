import PostludeDates
import Testing

@Suite("TimeOfDay")
struct TimeOfDayTests {
    @Test("Seconds are counted from midnight")
    func seconds() {
        #expect(TimeOfDay(hour: 0, minute: 0)?.seconds == 0)
        #expect(TimeOfDay(hour: 23, minute: 59, second: 59, nanosecond: 999_999_999)?.seconds == 86_399)
    }

    @Test("A time that no clock shows is nil")
    func impossible() {
        #expect(TimeOfDay(hour: 24, minute: 0) == nil)
        #expect(TimeOfDay(hour: -1, minute: 0) == nil)
        #expect(TimeOfDay(hour: 0, minute: 60) == nil)
        #expect(TimeOfDay(hour: 23, minute: 59, second: 60) == nil)
        #expect(TimeOfDay(hour: 0, minute: 0, nanosecond: 1_000_000_000) == nil)
    }
}
