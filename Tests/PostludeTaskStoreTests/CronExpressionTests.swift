import Foundation
import PostludeDates
import Testing

@testable import PostludeTaskStore

@Suite("Cron expressions")
struct CronExpressionTests {
    private let utc = TimeZone.gmt

    private func times(_ text: String, _ zone: String = "GMT", after start: String, count: Int) throws
        -> [String]
    {
        let zone = try #require(TimeZone(identifier: zone))
        let expression = try CronExpression(text, timeZone: zone)
        let format = ISO8601DateFormatter()
        format.formatOptions = [.withInternetDateTime]
        format.timeZone = zone
        var time = try #require(format.date(from: start))
        var times: [String] = []
        while times.count < count, let next = expression.next(after: time) {
            times.append(format.string(from: next))
            time = next
        }
        return times
    }

    // 2027-01-01 is a Friday.
    @Test(
        "Fields, lists, ranges, steps and names",
        arguments: [
            ("* * * * *", ["2027-01-01T00:01:00Z", "2027-01-01T00:02:00Z"]),
            ("30 2 * * *", ["2027-01-01T02:30:00Z", "2027-01-02T02:30:00Z"]),
            ("*/15 8-9 * * *", ["2027-01-01T08:00:00Z", "2027-01-01T08:15:00Z"]),
            ("5,50 23 * * *", ["2027-01-01T23:05:00Z", "2027-01-01T23:50:00Z", "2027-01-02T23:05:00Z"]),
            (
                "10-30/7 0 * * *",
                [
                    "2027-01-01T00:10:00Z", "2027-01-01T00:17:00Z", "2027-01-01T00:24:00Z",
                    "2027-01-02T00:10:00Z",
                ]
            ),
            ("0 0 * * mon-fri", ["2027-01-04T00:00:00Z", "2027-01-05T00:00:00Z"]),
            ("0 0 * * Fri-Sun", ["2027-01-02T00:00:00Z", "2027-01-03T00:00:00Z", "2027-01-08T00:00:00Z"]),
            ("0 0 * * 7", ["2027-01-03T00:00:00Z", "2027-01-10T00:00:00Z"]),
            ("0 0 * * 0", ["2027-01-03T00:00:00Z", "2027-01-10T00:00:00Z"]),
            ("0 0 31 * *", ["2027-01-31T00:00:00Z", "2027-03-31T00:00:00Z", "2027-05-31T00:00:00Z"]),
            ("0 0 29 2 *", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
            ("0 0 1 jan,JUL *", ["2027-07-01T00:00:00Z", "2028-01-01T00:00:00Z"]),
            // Either day if both are given; both if one begins with a star.
            ("0 0 13 * fri", ["2027-01-08T00:00:00Z", "2027-01-13T00:00:00Z", "2027-01-15T00:00:00Z"]),
            ("0 0 */13 * fri", ["2027-05-14T00:00:00Z", "2027-08-27T00:00:00Z"]),
            ("@hourly", ["2027-01-01T01:00:00Z", "2027-01-01T02:00:00Z"]),
            ("@Daily", ["2027-01-02T00:00:00Z", "2027-01-03T00:00:00Z"]),
            ("@weekly", ["2027-01-03T00:00:00Z", "2027-01-10T00:00:00Z"]),
            ("@monthly", ["2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z"]),
            ("@yearly", ["2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z"]),
            (" 0\t12  * * * ", ["2027-01-01T12:00:00Z"]),
        ])
    func values(text: String, expected: [String]) throws {
        #expect(try times(text, after: "2027-01-01T00:00:00Z", count: expected.count) == expected)
    }

    @Test("Leap years at a century's end: eight years between two 29ths of February")
    func century() throws {
        #expect(
            try times("0 0 29 2 *", after: "2096-02-28T00:00:00Z", count: 2)
                == ["2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"])
    }

    // Berlin, 2027: 28 March 2:00 becomes 3:00; 31 October 3:00 becomes 2:00.
    @Test(
        "A skipped hour: a time in it fires once, when it is over; an hourly time does not",
        arguments: [
            (
                "30 2 * * *",
                ["2027-03-27T02:30:00+01:00", "2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"]
            ),
            ("*/20 2 28 3 *", ["2027-03-28T03:00:00+02:00", "2028-03-28T02:00:00+02:00"]),
            ("0 2,3 28 3 *", ["2027-03-28T03:00:00+02:00", "2028-03-28T02:00:00+02:00"]),
            (
                "30 * 28 3 *",
                [
                    "2027-03-28T00:30:00+01:00", "2027-03-28T01:30:00+01:00", "2027-03-28T03:30:00+02:00",
                ]
            ),
        ])
    func skipped(text: String, expected: [String]) throws {
        let found = try times(
            text, "Europe/Berlin", after: "2027-03-26T12:00:00+01:00", count: expected.count)
        #expect(found == expected)
    }

    @Test(
        "A doubled hour: a time in it fires in the first one; an hourly time in both",
        arguments: [
            ("30 2 * * *", ["2027-10-31T02:30:00+02:00", "2027-11-01T02:30:00+01:00"]),
            (
                "*/30 2 * * *",
                [
                    "2027-10-31T02:00:00+02:00", "2027-10-31T02:30:00+02:00", "2027-11-01T02:00:00+01:00",
                ]
            ),
            (
                "30 * * * *",
                [
                    "2027-10-31T00:30:00+02:00", "2027-10-31T01:30:00+02:00", "2027-10-31T02:30:00+02:00",
                    "2027-10-31T02:30:00+01:00", "2027-10-31T03:30:00+01:00",
                ]
            ),
            ("0 3 * * *", ["2027-10-31T03:00:00+01:00", "2027-11-01T03:00:00+01:00"]),
        ])
    func doubled(text: String, expected: [String]) throws {
        let found = try times(
            text, "Europe/Berlin", after: "2027-10-30T23:59:00+02:00", count: expected.count)
        #expect(found == expected)
    }

    @Test("Half an hour that is skipped, and zones whose offsets are not full hours")
    func oddZones() throws {
        // Lord Howe, 2027: 3 October 2:00 becomes 2:30.
        #expect(
            try times("15 2 * * *", "Australia/Lord_Howe", after: "2027-10-02T12:00:00+10:30", count: 2)
                == ["2027-10-03T02:30:00+11:00", "2027-10-04T02:15:00+11:00"])
        #expect(
            try times("0 6 * * *", "Asia/Kathmandu", after: "2027-10-02T12:00:00+05:45", count: 1)
                == ["2027-10-03T06:00:00+05:45"])
    }

    @Test(
        "Times agree with a search through every minute",
        arguments: [
            "0 3 * * *", "*/7 1-3 * * sun", "59 2 28,31 3,10 *", "0 * * * *", "*/25 * * * *", "30 2 * * *",
        ])
    func search(text: String) throws {
        let zone = try #require(TimeZone(identifier: "Europe/Berlin"))
        let expression = try CronExpression(text, timeZone: zone)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        for start in [1_806_000_000, 1_824_900_000] {
            let end = start + 5 * 86_400
            var expected: Set<Int> = []
            var shown: Set<DateComponents> = []
            for time in stride(from: start / 60 * 60 + 60, through: end, by: 60) {
                let date = Date(timeIntervalSince1970: Double(time))
                let parts = calendar.dateComponents(
                    [.year, .month, .day, .hour, .minute, .weekday], from: date)
                guard let month = parts.month, let day = parts.day, let weekday = parts.weekday,
                    let hour = parts.hour, let minute = parts.minute, let year = parts.year
                else { continue }
                let civil = CivilDate(number: (time + zone.secondsFromGMT(for: date)) / 86_400)
                let numbers: [Int] = [civil.year, civil.month, civil.day, civil.weekday + 1]
                #expect(numbers == [year, month, day, weekday] as [Int])
                let isNew = shown.insert(parts).inserted
                guard expression.matches(civil), expression.hours.contains(hour),
                    expression.minutes.contains(minute)
                else { continue }
                if isNew || expression.isEveryHour { expected.insert(time) }
            }
            var found: Set<Int> = []
            var time = Date(timeIntervalSince1970: Double(start))
            while let next = expression.next(after: time), Int(next.timeIntervalSince1970) <= end {
                found.insert(Int(next.timeIntervalSince1970))
                time = next
            }
            // The only additional times replace skipped ones, at the skipped hour's end.
            #expect(found.subtracting(expected).count <= 1 && expected.subtracting(found).isEmpty)
            for extra in found.subtracting(expected) {
                let date = Date(timeIntervalSince1970: Double(extra))
                #expect(
                    zone.secondsFromGMT(for: date) > zone.secondsFromGMT(for: date.addingTimeInterval(-1)))
            }
        }
    }

    @Test(
        "A mistake is reported with its column and what was expected",
        arguments: [
            ("61 * * * *", 1, "\"61\" is not a valid minute", "a minute of 0 to 59"),
            ("* 24 * * *", 3, "\"24\" is not a valid hour", "an hour of 0 to 23"),
            ("* * 0 * *", 5, "\"0\" is not a valid day of the month", "a day of the month of 1 to 31"),
            ("* * * foo *", 7, "\"foo\" is not a valid month", "a month of 1 to 12 or jan to dec"),
            (
                "* * * * mon,8", 13, "\"8\" is not a valid day of the week",
                "a day of the week of 0 to 7 or sun to sat"
            ),
            ("* * * *", 8, "the text ends", "a day of the week: five fields, or a name such as @daily"),
            ("", 1, "the text ends", "a minute: five fields, or a name such as @daily"),
            ("* * * * * *", 11, "* is one field too many", "the end"),
            ("@daily 5", 8, "5 is one field too many", "the end"),
            ("@reboot", 1, "@reboot is not a known name", "@annually, @daily"),
            ("5,,6 * * * *", 3, "nothing", "a minute of 0 to 59"),
            ("5/10 * * * *", 2, "a step after the number 5", "one after * or a range, such as 5-59/10"),
            ("*/0 * * * *", 3, "\"0\" is not a step", "a number of 1 to 99"),
            ("*/+5 * * * *", 3, "\"+5\" is not a step", "a number of 1 to 99"),
            ("0-10/x * * * *", 6, "\"x\" is not a step", "a number of 1 to 99"),
            ("* 22-2 * * *", 6, "2 is before 22", "two ranges, 22-23,0-2"),
            ("* 1-2-3 * * *", 5, "\"2-3\" is not a valid hour", "an hour of 0 to 23"),
            ("0 0 30 feb *", 5, "none of the named months has that day", "a day that exists"),
            ("-5 * * * *", 1, "nothing", "a minute of 0 to 59"),
            ("é * * * *", 1, "\"é\" is not a valid minute", "a minute of 0 to 59"),
        ])
    func mistakes(text: String, column: Int, found: String, expected: String) {
        do throws(CronError) {
            _ = try CronExpression(text, timeZone: utc)
            Issue.record("\(text) was taken")
        } catch {
            #expect(error.column == column && error.found == found, "\(error)")
            #expect(error.expected.hasPrefix(expected), "\(error)")
            #expect(error.description.hasPrefix("\"\(text)\", column \(column): \(found); expected"))
        }
    }

    @Test("Any text is an expression or an error, and each expression's search ends")
    func noise() {
        let alphabet = Array("0123456789*/,-@ abjnmon \t\u{301}")
        for _ in 0..<3_000 {
            let text = String((0..<Int.random(in: 0...14)).map { _ in alphabet.randomElement() ?? " " })
            guard let expression = try? CronExpression(text, timeZone: utc) else { continue }
            _ = expression.next(after: Date(timeIntervalSince1970: 1_800_000_000))
        }
        let daily = try? CronExpression("@daily", timeZone: utc)
        for seconds in [Double.infinity, -.infinity, .nan, 1e300] {
            #expect(daily?.next(after: Date(timeIntervalSince1970: seconds)) == nil)
        }
        let never = try? CronExpression("0 0 31 4 */9", timeZone: utc)
        #expect(never == nil || never?.next(after: Date(timeIntervalSince1970: 0)) == nil)
    }
}
