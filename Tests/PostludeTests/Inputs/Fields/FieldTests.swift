import Foundation
import Testing

@testable import Postlude

/// Through ``Query``: how a declaration is decoded, and what it refuses.
@Suite("Field")
struct FieldTests {
    private struct Search: InputFields {
        @Field(1...50) var q: String
        @Field(1...100) var limit = 20
        @Field var tags: [String] = []
        @Field(matching: "^[a-z]+$", summary: "A short name") var slug: String?
        @Field(name: "item_id", greaterThan: 0) var itemID: Int
    }

    private func query<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) throws -> Value {
        try Query<Value>(request: RequestFixture.get("/?" + text).request()).value
    }

    private func issues<Value: Decodable>(_ text: String, as type: Value.Type) -> [String] {
        PostludeTests.issues { _ = try query(text, as: type) }
    }

    @Test("values are found by name, and defaults replace missing ones")
    func values() throws {
        let least = try query("q=a&item_id=1", as: Search.self)
        #expect(least.q == "a")
        #expect(least.limit == 20)
        #expect(least.tags == [])
        #expect(least.slug == nil)
        #expect(least.itemID == 1)
        let most = try query("q=a+b&limit=100&tags=x&tags=y&slug=abc&item_id=7", as: Search.self)
        #expect(most.q == "a b")
        #expect(most.limit == 100)
        #expect(most.tags == ["x", "y"])
        #expect(most.slug == "abc")
        #expect(most.itemID == 7)
    }

    @Test("all mistakes are reported at once, with the client's names")
    func all() {
        #expect(
            issues("q=&limit=101&slug=A&item_id=0", as: Search.self) == [
                "query.q: String should have at least 1 character (string_too_short)",
                "query.limit: Input should be less than or equal to 100 (less_than_equal)",
                "query.slug: String should match pattern '^[a-z]+$' (string_pattern_mismatch)",
                "query.item_id: Input should be greater than 0 (greater_than)",
            ])
        #expect(
            issues("limit=x&itemID=1", as: Search.self) == [
                "query.q: Field required (missing)",
                "query.limit: Input should be a valid integer, unable to parse string as an integer"
                    + " (int_parsing)",
                "query.item_id: Field required (missing)",
            ])
    }

    private struct Bounds: InputFields {
        @Field(0.5..<1) var ratio: Double = 0.5
        @Field(2...) var least: UInt8 = 2
        @Field(...(-1)) var most: Int?
        @Field(..<3) var below: Int64 = 0
        @Field(...10, greaterThan: 1.5) var both: Float = 2
        @Field(lessThan: 5) var less: Decimal?
        @Field(1...2) var list: [Int] = [1]
        @Field(2...) var set: Set<String>?
        @Field(Date(timeIntervalSince1970: 0)...) var date: Date?
        @Field(2..<4) var text: String = "ab"
    }

    @Test(
        "bounds include or exclude their ends as their ranges do, and the texts are pydantic's",
        arguments: [
            ("ratio=0.4", "ratio: Input should be greater than or equal to 0.5 (greater_than_equal)"),
            ("ratio=1", "ratio: Input should be less than 1 (less_than)"),
            ("least=1", "least: Input should be greater than or equal to 2 (greater_than_equal)"),
            ("most=0", "most: Input should be less than or equal to -1 (less_than_equal)"),
            ("below=3", "below: Input should be less than 3 (less_than)"),
            ("both=1.5", "both: Input should be greater than 1.5 (greater_than)"),
            ("both=11", "both: Input should be less than or equal to 10 (less_than_equal)"),
            ("less=5", "less: Input should be less than 5 (less_than)"),
            (
                "list=1&list=2&list=3",
                "list: List should have at most 2 items after validation, not 3 (too_long)"
            ),
            ("set=a&set=a", "set: Set should have at least 2 items after validation, not 1 (too_short)"),
            (
                "date=1969-12-31T23:59:59Z",
                "date: Input should be greater than or equal to 1970-01-01T00:00:00Z (greater_than_equal)"
            ),
            ("text=a", "text: String should have at least 2 characters (string_too_short)"),
            ("text=abcd", "text: String should have at most 3 characters (string_too_long)"),
        ])
    func bounds(text: String, issue: String) {
        #expect(issues(text, as: Bounds.self) == ["query.\(issue)"])
    }

    @Test(
        "a value on a bound, or just within, is accepted",
        arguments: [
            "", "ratio=0.5", "ratio=0.999", "least=2", "least=255", "most=-1", "below=2", "both=1.6&both=10",
            "less=4.999", "list=1", "list=1&list=2", "set=a&set=b&set=c", "date=1970-01-01T00:00:00Z",
            "text=ab", "text=abc", "text=%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80",
        ])
    func within(text: String) {
        #expect(issues(text, as: Bounds.self) == [])
    }

    @Test("an own check is called if the other rules are met, and not for a default")
    func check() throws {
        struct Boxes: InputFields {
            @Field(2...9, check: { $0.isMultiple(of: 2) ? nil : "Input should be even" }) var count = 3
            @Field(check: { ($0 ?? "a").hasPrefix("a") ? nil : "Input should begin with a" }) var name:
                String?
        }
        #expect(try query("", as: Boxes.self).count == 3)
        #expect(try query("count=4&name=ab", as: Boxes.self).count == 4)
        #expect(
            issues("count=5&name=b", as: Boxes.self) == [
                "query.count: Input should be even (value_error)",
                "query.name: Input should begin with a (value_error)",
            ])
        #expect(issues("count=1", as: Boxes.self).count == 1)
    }

    @Test("a pattern may match anywhere, and its end is the text's end")
    func patterns() throws {
        struct Patterns: InputFields {
            @Field(matching: "b") var any: String = "b"
            @Field(2...3, matching: "^é$|x") var bounded: String?
            @Field(matching: "c$") var end: String?
        }
        #expect(issues("any=abc&bounded=xx&end=c", as: Patterns.self) == [])
        #expect(issues("any=a", as: Patterns.self).count == 1)
        #expect(issues("end=c%0A", as: Patterns.self).count == 1)
        #expect(
            issues("bounded=x", as: Patterns.self) == [
                "query.bounded: String should have at least 2 characters (string_too_short)"
            ])
    }

    @Test(
        "a pattern that backtracks without end refuses the text, and occupies no worker",
        .timeLimit(.minutes(10)))
    func backtracking() {
        struct Evil: InputFields {
            @Field(matching: "^(a+)+$") var text: String
        }
        #expect(issues("text=" + String(repeating: "a", count: 20_000) + "!", as: Evil.self).count == 1)
    }

    private enum Color: String, Decodable { case red, green }

    private struct Kinds: InputFields {
        @Field var uuid: UUID
        @Field var date: Date
        @Field var url: URL
        @Field var decimal: Decimal
        @Field var color: Color
        @Field var email: EmailAddress
        @Field var flag: Bool
        @Field var dates: [Date] = []
        @Field var colors: Set<Color>?
        @Field var maybe: UUID?
    }

    @Test("values of every kind are decoded from text")
    func kinds() throws {
        let id = UUID()
        let value = try query(
            "uuid=\(id)&date=1970-01-01T00:00:01Z&url=https://a.example/b&decimal=0.1&color=green"
                + "&email=a@b.example&flag=on&dates=1970-01-01T00:00:02Z&dates=1970-01-01T00:00:03Z&colors=red",
            as: Kinds.self)
        #expect(value.uuid == id)
        #expect(value.date == Date(timeIntervalSince1970: 1))
        #expect(value.url.absoluteString == "https://a.example/b")
        #expect(value.decimal == Decimal(string: "0.1"))
        #expect(value.color == .green)
        #expect(value.email.domain == "b.example")
        #expect(value.flag)
        #expect(value.dates.map(\.timeIntervalSince1970) == [2, 3])
        #expect(value.colors == [.red])
        #expect(value.maybe == nil)
    }

    @Test("values of every kind are refused, each at its place")
    func wrongKinds() {
        #expect(
            issues(
                "uuid=1&date=1&url=&decimal=1x&color=blue&email=a&flag=2&dates=1&dates=2&colors=blue&maybe=x",
                as: Kinds.self) == [
                    "query.uuid: Input should be a valid UUID (uuid_parsing)",
                    "query.date: Input should be a valid datetime in ISO 8601, such as 2030-01-31T12:00:00Z"
                        + " (datetime_parsing)",
                    "query.url: Input should be a valid URL (url_parsing)",
                    "query.decimal: Input should be a valid number, unable to parse string as a number"
                        + " (float_parsing)",
                    "query.color: Input should be one of the allowed values (enum)",
                    "query.email: value is not a valid email address (value_error)",
                    "query.flag: Input should be a valid boolean, unable to parse string as a boolean"
                        + " (bool_parsing)",
                    "query.dates.[0]: Input should be a valid datetime in ISO 8601, such as"
                        + " 2030-01-31T12:00:00Z (datetime_parsing)",
                    "query.dates.[1]: Input should be a valid datetime in ISO 8601, such as"
                        + " 2030-01-31T12:00:00Z (datetime_parsing)",
                    "query.colors.[0]: Input should be one of the allowed values (enum)",
                    "query.maybe: Input should be a valid UUID (uuid_parsing)",
                ])
    }

    @Test("a response has at most a hundred mistakes, however many the client makes")
    func many() {
        struct Numbers: InputFields { @Field var n: [Int] }
        let text = Array(repeating: "n=x", count: 10_000).joined(separator: "&")
        #expect(issues(text, as: Numbers.self).count == 100)
    }

    @Test("a prototype can be filled by hand, compared and encoded")
    func byHand() throws {
        struct Point: InputFields, Codable, Hashable {
            @Field(0...) var x: Int
            @Field var y = 2
            @Field var name: String?
        }
        var point = Point()
        point.x = 1
        #expect(point.y == 2)
        #expect(point.name == nil)
        var other = point
        #expect(other == point)
        other.y = 3
        #expect(other != point)
        let data = try JSONEncoder().encode(other)
        #expect(try JSONDecoder().decode(Point.self, from: data) == other)
    }

    @Test("several tasks decode and match at once", .timeLimit(.minutes(10)))
    func concurrency() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for number in 1...200 {
                        let value = try query("q=a&slug=abc&item_id=\(number)", as: Search.self)
                        #expect(value.itemID == number)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
