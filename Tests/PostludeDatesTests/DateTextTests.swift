import Foundation
import Testing

@testable import PostludeDates

@Suite struct DateTextTests {
    private static let noon = 1_896_091_200.0

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0.0), ("2030-01-31T12:00:00Z", noon),
        ("2030-01-31T12:00:00.5Z", noon + 0.5), ("2030-01-31t12:00:00z", noon),
        ("2030-01-31 13:00:00+01:00", noon), ("2030-01-31T06:30:00-05:30", noon),
        ("1969-12-31T23:59:59Z", -1), ("2000-02-29T00:00:00Z", 951_782_400),
        ("1970-01-01T00:00:00.123456789123456789Z", 0.123456789), ("2030-01-31T12:00:00,5Z", noon + 0.5),
        // Without seconds, as Java writes a whole minute.
        ("2030-01-31T12:00Z", noon), ("2030-01-31T13:00+01:00", noon),
        // Offsets as strftime(3) writes them, and offsets of hours alone.
        ("2030-01-31T13:00:00+0100", noon), ("2030-01-31T13:00:00+01", noon), ("2030-01-31T13:00+0100", noon),
        ("20300131T120000Z", noon), ("20300131T1200Z", noon), ("20300131T130000.5+0100", noon + 0.5),
        // A leap second.
        ("2016-12-31T23:59:60Z", 1_483_228_800), ("2017-01-01T00:59:60+01:00", 1_483_228_800),
        ("0001-01-01T00:00:00Z", -62_135_596_800), ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("1582-10-14T00:00:00Z", -12_219_379_200), ("1582-10-15T00:00:00Z", -12_219_292_800),
    ])
    func `RFC 3339 and the reduced and basic forms of ISO 8601 are read`(text: String, seconds: Double) {
        #expect(DateText.date(text) == Date(timeIntervalSince1970: seconds))
    }

    @Test(arguments: [
        "", "x", "0", "1896091200", "2030-01-31", "2030-01-31T12:00:00", "2030-01-31T12:00", "2030-01-31T12Z",
        "2030-01-31T12:00:00.Z", "2030-01-31T12:00:00Zx", "2030-01-31T12:00:00+1", "2030-01-31T12:00:00+010",
        " 2030-01-31T12:00:00Z", "20300131T12:00:00Z", "2030-01-31T120000Z", "2030-0131T12:00:00Z",
        "2030-00-31T12:00:00Z", "2030-13-01T12:00:00Z", "2030-01-00T12:00:00Z", "2030-01-32T12:00:00Z",
        "2030-02-29T12:00:00Z", "1900-02-29T12:00:00Z", "2030-04-31T12:00:00Z", "2030-01-31T24:00:00Z",
        "2030-01-31T12:60:00Z", "2030-01-31T12:00:60Z", "2016-12-30T23:59:60Z", "2030-01-31T12:00:61Z",
        "2030-01-31T12:00:00+24:00", "2030-01-31T12:00:00+01:60", "+030-01-31T12:00:00Z",
        "2030-1-31T12:00:00Z", "２030-01-31T12:00:00Z", "0000-12-31T12:00:00Z", "12030-01-31T12:00:00Z",
        "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00",
    ])
    func `other text is not a point in time`(text: String) {
        #expect(DateText.date(text) == nil)
    }

    @Test func `a time without an offset is in UTC only if the caller asks for that`() {
        #expect(
            DateText.date("2030-01-31T12:00:00.5", assumesUTC: true)?.timeIntervalSince1970 == Self.noon + 0.5
        )
        #expect(
            DateText.date("2030-01-31T13:00:00+01:00", assumesUTC: true)?.timeIntervalSince1970 == Self.noon)
        for text in ["2030-01-31T12:00:00x", "2030-01-31T12:00:00-", "2030-01-31T12:00:00+1"] {
            #expect(DateText.date(text, assumesUTC: true) == nil)
        }
        #expect(DateText.date("2030-01-31", assumesUTC: true) == nil)
    }

    @Test(arguments: [
        (0.0, "1970-01-01T00:00:00Z"), (noon + 0.5, "2030-01-31T12:00:00.500Z"),
        (noon + 0.123_456, "2030-01-31T12:00:00.123456Z"), (noon + 0.999_999_9, "2030-01-31T12:00:01Z"),
        (-0.5, "1969-12-31T23:59:59.500Z"), (-62_135_596_800, "0001-01-01T00:00:00Z"),
        (-12_219_379_200, "1582-10-14T00:00:00Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
    ])
    func `dates are written as in RFC 3339, in the proleptic Gregorian calendar`(
        seconds: Double, text: String
    ) {
        #expect(DateText.text(Date(timeIntervalSince1970: seconds)) == text)
    }

    @Test func `a second has as many digits as the caller asks for`() {
        let date = Date(timeIntervalSince1970: Self.noon + 0.25)
        #expect(DateText.text(date, fractionDigits: 0) == "2030-01-31T12:00:00Z")
        #expect(DateText.text(date, fractionDigits: 3) == "2030-01-31T12:00:00.250Z")
        #expect(DateText.text(date, fractionDigits: 6) == "2030-01-31T12:00:00.250000Z")
    }

    @Test(arguments: [
        -62_135_596_801, 253_402_300_800, 1e18, -1e18, .infinity, -.infinity, .nan,
        253_402_300_799.999_999_9,
    ])
    func `a date whose year does not have four digits is not written`(seconds: Double) {
        #expect(DateText.text(Date(timeIntervalSince1970: seconds)) == nil)
    }

    @Test func `a written date reads back to the microsecond`() throws {
        for _ in 0..<4_000 {
            let microseconds = Int.random(in: 0...4_000_000_000_000_000)
            let date = Date(timeIntervalSince1970: Double(microseconds) / 1e6)
            let text = try #require(DateText.text(date))
            let back = try #require(DateText.date(text))
            #expect(abs(back.timeIntervalSince(date)) < 0.000_000_6, "\(text)")
            #expect(DateText.text(back) == text)
        }
    }

    @Test func `days of four centuries equal Foundation's`() {
        let style = Date.ISO8601FormatStyle()
        for day in stride(from: -700, through: 146_097, by: 5) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 3_723)
            guard DateText.date(date.formatted(style)) == date, DateText.text(date) == date.formatted(style)
            else {
                Issue.record("\(date.formatted(style))")
                return
            }
        }
    }

    @Test func `each day of the years 1 to 9999 has one number`() throws {
        var expected = try #require(CivilDate(year: 1, month: 1, day: 1)).number
        for year in CivilDate.years {
            for month in 1...12 {
                for day in 1...31 {
                    guard let date = CivilDate(year: year, month: month, day: day) else { continue }
                    guard date.number == expected, CivilDate(number: expected) == date else {
                        Issue.record("\(date)")
                        return
                    }
                    expected += 1
                }
            }
        }
        #expect(CivilDate(number: expected).year == 10_000)
    }

    @Test func `days and local times are read and written as HTML's inputs send them`() throws {
        #expect(DateText.day("2030-01-31").map { DateText.text($0) } == "2030-01-31")
        #expect(DateText.day("20300131").map { DateText.text($0) } == "2030-01-31")
        for text in ["", "2030-02-30", "2030-01-31T00:00", "2030-01", "2030-01-31Z", "0000-01-01"] {
            #expect(DateText.day(text) == nil)
        }
        for (text, written) in [
            ("2030-01-31T12:00", "2030-01-31T12:00:00"),
            ("2030-01-31 12:00:07.25", "2030-01-31T12:00:07.250"),
            ("20300131T1200", "2030-01-31T12:00:00"),
            ("2030-01-31T12:00:00.123456789", "2030-01-31T12:00:00.123456789"),
        ] {
            let (day, time) = try #require(DateText.localDateTime(text))
            #expect(DateText.text(day, time) == written)
        }
        for text in ["", "2030-01-31", "2030-01-31T12:00Z", "2030-01-31T12:00+01:00", "2030-01-31T24:00"] {
            #expect(DateText.localDateTime(text) == nil)
        }
    }
}
