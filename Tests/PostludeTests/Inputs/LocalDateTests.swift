import Foundation
import PostludeDates
import Testing

@testable import Postlude

private let newYear = LocalDate(CivilDate(number: 21_915))

@Suite struct LocalDateTests {
    private struct Booking: InputFields, Encodable, Equatable {
        @Field(newYear...) var day: LocalDate
        @Field var from: LocalDateTime?
        @Field var at: Date?
    }

    private func booking(_ json: String) throws -> Booking {
        try JSONBody<Booking>(request: RequestFixture.post(json).request()).value
    }

    @Test func `the texts of HTML's inputs are read in JSONValue, queries and paths, and written again`()
        throws
    {
        let value = try booking(#"{"day": "2030-01-31", "from": "2030-01-31T12:00"}"#)
        #expect(value.day == LocalDate(year: 2030, month: 1, day: 31))
        #expect(value.from.map { "\($0)" } == "2030-01-31T12:00:00")
        let query = try Query<Booking>(
            request: RequestFixture.get("/?day=2030-01-31&from=2030-01-31T12%3A00%3A07.25").request())
        #expect(query.day == value.day && query.from?.nanosecond == 250_000_000 && query.from?.second == 7)
        let path = try Path<LocalDate>(
            request: RequestFixture.get("/20300131", route: "/{day}").request())
        #expect(path.value == value.day)
        let text = String(decoding: try JSONFormat().encode(value), as: UTF8.self)
        #expect(text == #"{"at":null,"day":"2030-01-31","from":"2030-01-31T12:00:00"}"#)
    }

    @Test func `an invalid text is refused, and bounds hold`() {
        let rules = [
            (
                #"{"day": "2030-02-30"}"#,
                "body.day: Input should be a valid date, such as 2030-01-31 (date_parsing)"
            ),
            (
                #"{"day": "2029-12-31"}"#,
                "body.day: Input should be greater than or equal to 2030-01-01 (greater_than_equal)"
            ),
            (#"{"day": 1}"#, "body.day: Input should be a valid string (string_type)"),
            (
                #"{"day": "2030-01-31", "from": "2030-01-31T12:00Z"}"#,
                "body.from: Input should be a valid local date and time, such as 2030-01-31T12:00 (datetime_parsing)"
            ),
            (
                #"{"day": "2030-01-31", "at": "2030-01-31T12:00"}"#,
                "body.at: Input should be a valid datetime in ISO 8601, such as 2030-01-31T12:00:00Z (datetime_parsing)"
            ),
        ]
        for (json, issue) in rules { #expect(issues { _ = try booking(json) } == [issue]) }
    }

    @Test(arguments: ["2030-01-31T12:00Z", "2030-01-31T13:00:00+0100", "20300131T120000Z"])
    func `a point in time is read in the reduced and basic forms, too`(text: String) throws {
        let value = try booking("{\"day\": \"2030-01-31\", \"at\": \"\(text)\"}")
        #expect(value.at == Date(timeIntervalSince1970: 1_896_091_200))
    }

    @Test func `days and local times have an order, and parts for a calendar`() throws {
        let day = try #require(LocalDate("2030-01-31"))
        let next = try #require(LocalDate("2030-02-01"))
        #expect(day < next && LocalDate(year: 2030, month: 2, day: 29) == nil)
        let noon = try #require(LocalDateTime(day, hour: 12, minute: 0))
        #expect(noon < LocalDateTime(day, hour: 12, minute: 0, nanosecond: 1) ?? noon)
        #expect(LocalDateTime(day, hour: 24, minute: 0) == nil)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        #expect(calendar.date(from: noon.dateComponents) == Date(timeIntervalSince1970: 1_896_091_200))
        #expect(calendar.date(from: day.dateComponents) == Date(timeIntervalSince1970: 1_896_048_000))
    }

    @Test func `the API's description names their formats`() {
        #expect(Schema(of: LocalDate.self).keywords == ["type": "string", "format": "date"])
        #expect(Schema(of: LocalDateTime.self).keywords == ["type": "string", "format": "date-time-local"])
    }
}
