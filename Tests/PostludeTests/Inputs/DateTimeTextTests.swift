import Foundation
import Testing

@testable import Postlude

@Suite("DateTimeText")
struct DateTimeTextTests {
    @Test(
        "takes what RFC 3339 takes",
        arguments: [
            ("1970-01-01T00:00:00Z", 0.0), ("2030-01-31T12:00:00Z", 1_896_091_200),
            ("2030-01-31T12:00:00.5Z", 1_896_091_200.5), ("2030-01-31t12:00:00z", 1_896_091_200),
            ("2030-01-31 13:00:00+01:00", 1_896_091_200), ("2030-01-31T06:30:00-05:30", 1_896_091_200),
            ("1969-12-31T23:59:59Z", -1), ("2000-02-29T00:00:00Z", 951_782_400),
            ("1970-01-01T00:00:00.123456789123456789Z", 0.123456789),
        ])
    func valid(text: String, seconds: Double) {
        #expect(DateTimeText.date(text) == Date(timeIntervalSince1970: seconds))
    }

    @Test("days of four centuries are Foundation's")
    func days() {
        let style = Date.ISO8601FormatStyle()
        for day in stride(from: -700, through: 146_097, by: 5) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 3_723)
            guard DateTimeText.date(date.formatted(style)) == date else {
                Issue.record("\(date.formatted(style))")
                return
            }
        }
    }

    @Test(
        "takes nothing else",
        arguments: [
            "", "x", "0", "1896091200", "2030-01-31", "2030-01-31T12:00:00", "2030-01-31T12:00Z",
            "2030-01-31T12:00:00.Z", "2030-01-31T12:00:00Zx", "2030-01-31T12:00:00+0100",
            " 2030-01-31T12:00:00Z",
            "2030-00-31T12:00:00Z", "2030-13-01T12:00:00Z", "2030-01-00T12:00:00Z", "2030-01-32T12:00:00Z",
            "2030-02-29T12:00:00Z", "1900-02-29T12:00:00Z", "2030-04-31T12:00:00Z", "2030-01-31T24:00:00Z",
            "2030-01-31T12:60:00Z", "2030-01-31T12:00:60Z", "2030-01-31T12:00:00+24:00",
            "+030-01-31T12:00:00Z",
            "2030-01-31T12:00:00+01:60", "2030-01-31T12:00:00", "2030-1-31T12:00:00Z", "２030-01-31T12:00:00Z",
        ])
    func invalid(text: String) {
        #expect(DateTimeText.date(text) == nil)
    }
}
