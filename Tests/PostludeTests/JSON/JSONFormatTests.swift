import Foundation
import Testing

@testable import Postlude

@Suite struct JSONFormatTests {
    private func text(_ value: some Encodable, _ fraction: JSONFormat.DateFraction = .asNeeded) throws
        -> String
    {
        String(decoding: try JSONFormat(dateFraction: fraction).encode(value), as: UTF8.self)
    }

    private enum Size: String, Codable { case small }

    private enum Shape: Codable {
        case circle(radius: Double)
        case point
    }

    private struct Inner: Codable {
        var texts: [String?]
        var flags: [String: Bool]
        var byNumber: [Int: String]
        var pairs: [Double: Int]
    }

    private struct Outer: Codable {
        var name = "a/b \"c\" \\ \u{1}\u{8}\u{c}\n\r\t ä€😀\u{2028}\u{7f}"
        var numbers: [Double] = [0, -0.5, 1, 1e21, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0.1]
        var float: Float = 0.1
        var small: Int8 = -128
        var large: UInt64 = .max
        var none: Int?
        var size = Size.small
        var shapes = [Shape.circle(radius: 2), .point]
        var inner = Inner(
            texts: ["x", nil, ""], flags: ["b": true, "a": false], byNumber: [1: "i"], pairs: [0.5: 1])
        var data = Data([0, 255, 62])
        var url = URL(string: "https://example.org/a?b=c")
        var decimal = Decimal(string: "12345678901234567890.123456789")
        var empty: [String: [Int]] = ["none": []]
        var json: JSONValue = ["a": [1, .null, true, 0.5, "b"]]
    }

    private class Base: Encodable {
        let a = 1
        private enum CodingKeys: CodingKey { case a }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(a, forKey: .a)
        }
    }

    private final class Derived: Base {
        private enum CodingKeys: CodingKey { case b, nested, list, again }
        override func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode("x", forKey: .b)
            try super.encode(to: container.superEncoder())
            var nested = container.nestedContainer(keyedBy: CodingKeys.self, forKey: .nested)
            try nested.encodeNil(forKey: .b)
            var list = container.nestedUnkeyedContainer(forKey: .list)
            try list.encode(1)
            try list.encodeNil()
            var inner = list.nestedContainer(keyedBy: CodingKeys.self)
            try inner.encode(2, forKey: .again)
            try super.encode(to: list.superEncoder())
            #expect(list.count == 4)
            try super.encode(to: encoder)
        }
    }

    @Test func `values of one kind in JSONValue are written as Foundation writes them`() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        func foundation(_ value: some Encodable) throws -> String {
            String(decoding: try encoder.encode(value), as: UTF8.self)
        }
        #expect(try text(Outer()) == foundation(Outer()))
        #expect(try text(Derived()) == foundation(Derived()))
        #expect(try text([Int]()) == "[]" && text([String: Int]()) == "{}" && text("a") == "\"a\"")
        #expect(try text(7) == "7" && text(Int?.none) == "null" && text(true) == "true")
        #expect(try text([[1], []]) == "[[1],[]]")
    }

    @Test func `encoded values can be decoded`() throws {
        let decoded = try JSONBody<Outer>(request: RequestFixture.post(try text(Outer())).request()).value
        #expect(decoded.name == Outer().name && decoded.decimal == Outer().decimal)
        #expect(decoded.numbers == Outer().numbers && decoded.json == Outer().json)
    }

    @Test func `dates are RFC 3339 with as many digits as they need`() throws {
        let half = Date(timeIntervalSince1970: 1_896_091_200.5)
        #expect(try text(half) == #""2030-01-31T12:00:00.500Z""#)
        #expect(try text([half: half]) == #"["2030-01-31T12:00:00.500Z","2030-01-31T12:00:00.500Z"]"#)
        #expect(try text(["at": Date?(half)]) == #"{"at":"2030-01-31T12:00:00.500Z"}"#)
        #expect(try text(Date(timeIntervalSince1970: 0)) == #""1970-01-01T00:00:00Z""#)
        // The zero time of Go and .NET.
        #expect(try text(Date(timeIntervalSince1970: -62_135_596_800)) == #""0001-01-01T00:00:00Z""#)
        #expect(try text(half, .none) == #""2030-01-31T12:00:00Z""#)
        #expect(try text(half, .milliseconds) == #""2030-01-31T12:00:00.500Z""#)
        #expect(try text(half, .microseconds) == #""2030-01-31T12:00:00.500000Z""#)
    }

    @Test(arguments: [253_402_300_800, -62_135_596_801, .infinity, 1e18])
    func `a date without such a text is an error that says where`(seconds: Double) throws {
        let error = #expect(throws: EncodingError.self) {
            try text(["list": [Date(timeIntervalSince1970: seconds)]])
        }
        guard case .invalidValue(_, let context)? = error else { return }
        #expect(context.codingPath.map(\.stringValue) == ["list", "Index 0"])
        #expect(context.debugDescription.contains("0001 to 9999"))
    }

    @Test func `UUIDs are in lower case, in any place`() throws {
        let id = try #require(UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"))
        let written = #""e621e1f8-c36c-495a-93fc-0c247a3e6e5f""#
        #expect(try text(id) == written)
        #expect(try text(["a": [id]]) == "{\"a\":[\(written)]}")
        #expect(try text([UUID?.some(id), nil]) == "[\(written),null]")
    }

    @Test func `a value that JSONValue cannot represent is an error`() {
        #expect(throws: EncodingError.self) { try text([Double.nan]) }
        #expect(throws: EncodingError.self) { try text(Float.infinity) }
        #expect(throws: EncodingError.self) { try text(Decimal.nan) }
    }

    @Test func `members are sorted; the last of equal names counts, and equivalent names are different`()
        throws
    {
        struct Members: Encodable {
            struct Key: CodingKey {
                let stringValue: String
                var intValue: Int? { nil }
                init(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                for (number, name) in ["b", "e\u{301}", "a", "\u{e9}", "a"].enumerated() {
                    try container.encode(number, forKey: Key(stringValue: name))
                }
            }
        }
        let expected = "{\"a\":4,\"b\":0,\"e\u{301}\":1,\"\u{e9}\":3}"
        #expect(Array(try text(Members()).utf8) == Array(expected.utf8))
    }

    @Test func `an endless value is an error, and does not crash`() async throws {
        struct Endless: Encodable {
            enum CodingKeys: CodingKey { case next }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(Endless(), forKey: .next)
            }
        }
        let isRefused = try await onThread { () -> Bool in
            do {
                _ = try JSONFormat().encode(Endless())
                return false
            } catch {
                return error is EncodingError
            }
        }
        #expect(isRefused)
    }

    @Test func `the text of earlier versions is read like the current one's`() throws {
        struct Values: Codable, Equatable {
            var at: Date
            var id: UUID
        }
        let date = Date(timeIntervalSinceReferenceDate: 917_784_000.25)
        let id = UUID()
        let values = Values(at: date, id: id)
        let old = Data(#"{"at":917784000.25,"id":"\#(id.uuidString)"}"#.utf8)
        #expect(try StoredValues.decode(Values.self, from: old) == values)
        let new = try StoredValues.encode(values)
        #expect(String(decoding: new, as: UTF8.self).contains("2030-01-31T12:00:00.250Z"))
        #expect(try StoredValues.decode(Values.self, from: new) == values)
        // As datetime.isoformat() of Python, with a zone and without.
        for text in ["2030-01-31T12:00:00.250000", "2030-01-31T13:00:00.250000+01:00"] {
            let python = Data("{\"at\":\"\(text)\",\"id\":\"\(id)\"}".utf8)
            #expect(try StoredValues.decode(Values.self, from: python) == values)
        }
        #expect(throws: DecodingError.self) {
            try StoredValues.decode(Date.self, from: old, takingNumbers: false)
        }
        #expect(throws: DecodingError.self) {
            try StoredValues.decode(Date.self, from: Data(#""soon""#.utf8))
        }
    }
}
