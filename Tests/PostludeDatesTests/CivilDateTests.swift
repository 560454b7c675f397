import PostludeDates
import Testing

@Suite("CivilDate")
struct CivilDateTests {
    @Test(
        "Days are counted from 1970 on",
        arguments: [
            (1970, 1, 1, 0), (1970, 1, 2, 1), (1969, 12, 31, -1), (2000, 2, 29, 11_016), (2000, 3, 1, 11_017),
            (1, 1, 1, -719_162), (9999, 12, 31, 2_932_896),
        ])
    func numbers(year: Int, month: Int, day: Int, number: Int) {
        #expect(CivilDate(year: year, month: month, day: day)?.number == number)
        let date = CivilDate(number: number)
        #expect(date.year == year && date.month == month && date.day == day)
    }

    @Test("Each day of 800 years follows the previous one, and converts back")
    func succession() throws {
        var before = try #require(CivilDate(year: 1599, month: 12, day: 31))
        for number in (before.number + 1)...(before.number + 2 * 146_097) {
            let date = CivilDate(number: number)
            let isNextDay = date.day == before.day + 1 && date.month == before.month
            let isNextMonth = date.day == 1 && date.month == before.month % 12 + 1
            guard isNextDay || isNextMonth, date.weekday == (before.weekday + 1) % 7,
                CivilDate(year: date.year, month: date.month, day: date.day) == date
            else {
                Issue.record("\(date) after \(before)")
                return
            }
            before = date
        }
        #expect(before.year == 2399 && before.month == 12 && before.day == 31)
    }

    @Test("The week begins on Sunday", arguments: [(0, 4), (-4, 0), (-5, 6), (3, 0)])
    func weekdays(number: Int, weekday: Int) {
        #expect(CivilDate(number: number).weekday == weekday)
    }

    @Test(
        "A date that the calendar does not have is nil",
        arguments: [
            (1900, 2, 29), (2100, 2, 29), (2023, 2, 29), (2024, 2, 30), (2024, 4, 31), (2024, 13, 1),
            (2024, 0, 1), (2024, 1, 0), (2024, 1, 32), (0, 1, 1), (10_000, 1, 1), (-1, 1, 1),
            (.max, 1, 1), (.min, .min, .min),
        ])
    func impossible(year: Int, month: Int, day: Int) {
        #expect(CivilDate(year: year, month: month, day: day) == nil)
    }
}
