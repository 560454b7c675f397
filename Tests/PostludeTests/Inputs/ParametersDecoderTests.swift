import Foundation
import Testing

@testable import Postlude

/// Through ``Query``, which is the decoder with the names of its errors.
@Suite("ParametersDecoder")
struct ParametersDecoderTests {
    private enum Color: String, Decodable { case red, green }

    private struct Everything: Decodable, Equatable {
        var int: Int
        var small: Int8
        var unsigned: UInt64
        var double: Double
        var float: Float
        var bool: Bool
        var text: String
        var color: Color
        var uuid: UUID
        var numbers: [Int]
        var texts: [String]?
        var absent: Int?
    }

    private func query<Value: Decodable>(_ query: String, as type: Value.Type = Value.self) throws -> Value {
        try Query<Value>(request: RequestFixture.get("/?" + query).request()).value
    }

    private func issues<Value: Decodable>(_ text: String, as type: Value.Type) -> [String] {
        PostludeTests.issues { _ = try query(text, as: type) }
    }

    @Test("a struct takes its properties by name")
    func everything() throws {
        let text =
            "int=-7&small=-128&unsigned=18446744073709551615&double=2.5&float=-1e3&bool=true&text=a+b&color=green"
            + "&uuid=E621E1F8-C36C-495A-93FC-0C247A3E6E5F&numbers=1&numbers=2&unknown=x"
        let value = try query(text, as: Everything.self)
        #expect(value.int == -7)
        #expect(value.small == -128)
        #expect(value.unsigned == .max)
        #expect(value.double == 2.5)
        #expect(value.float == -1000)
        #expect(value.bool)
        #expect(value.text == "a b")
        #expect(value.color == .green)
        #expect(value.uuid == UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"))
        #expect(value.numbers == [1, 2])
        #expect(value.texts == nil)
        #expect(value.absent == nil)
    }

    // MARK: Scalars

    private struct One<Value: Decodable>: Decodable { var value: Value }
    private struct Perhaps<Value: Decodable>: Decodable { var value: Value? }

    @Test(
        "an integer out of range, and text that is not one, are refused as int_parsing",
        arguments: [
            "", "x", "1.5", "1e3", "0x10", " 1", "1 ", "+-1", "9223372036854775808", "-9223372036854775809",
            "99999999999999999999999999", "\u{661}",
        ])
    func integers(text: String) throws {
        let escaped = try #require(text.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        #expect(
            issues("value=" + escaped, as: One<Int>.self) == [
                "query.value: Input should be a valid integer, unable to parse string as an integer"
                    + " (int_parsing)"
            ])
    }

    @Test("each width of integer has its own range")
    func widths() throws {
        #expect(try query("value=255", as: One<UInt8>.self).value == 255)
        #expect(issues("value=256", as: One<UInt8>.self).count == 1)
        #expect(issues("value=-1", as: One<UInt>.self).count == 1)
        #expect(try query("value=-32768", as: One<Int16>.self).value == -32768)
        #expect(issues("value=32768", as: One<Int16>.self).count == 1)
        #expect(issues("value=2147483648", as: One<Int32>.self).count == 1)
        #expect(try query("value=9223372036854775807", as: One<Int64>.self).value == .max)
        #expect(issues("value=65536", as: One<UInt16>.self).count == 1)
        #expect(issues("value=4294967296", as: One<UInt32>.self).count == 1)
    }

    @Test(
        "booleans are read as pydantic reads them",
        arguments: [
            ("true", true), ("True", true), ("1", true), ("yes", true), ("on", true), ("t", true),
            ("Y", true),
            ("false", false), ("FALSE", false), ("0", false), ("no", false), ("off", false), ("f", false),
            ("n", false),
        ])
    func booleans(text: String, value: Bool) throws {
        #expect(try query("value=" + text, as: One<Bool>.self).value == value)
    }

    @Test("other texts are neither booleans nor numbers")
    func mistyped() {
        #expect(
            issues("value=maybe", as: One<Bool>.self) == [
                "query.value: Input should be a valid boolean, unable to parse string as a boolean"
                    + " (bool_parsing)"
            ])
        #expect(
            issues("value=1,5", as: One<Double>.self) == [
                "query.value: Input should be a valid number, unable to parse string as a number"
                    + " (float_parsing)"
            ])
    }

    @Test("a missing value is reported with its name")
    func missing() {
        #expect(issues("other=1", as: One<Int>.self) == ["query.value: Field required (missing)"])
        #expect(issues("", as: One<String>.self) == ["query.value: Field required (missing)"])
        #expect(issues("VALUE=1", as: One<Int>.self) == ["query.value: Field required (missing)"])
    }

    @Test("an optional may be absent, but not wrong")
    func optionals() throws {
        #expect(try query("", as: Perhaps<Int>.self).value == nil)
        #expect(try query("value=3", as: Perhaps<Int>.self).value == 3)
        #expect(issues("value=x", as: Perhaps<Int>.self).count == 1)
    }

    @Test("enums and UUIDs are refused with their name, without the program's names")
    func rawValues() {
        #expect(
            issues("value=blue", as: One<Color>.self) == [
                "query.value: Input should be one of the allowed values (enum)"
            ])
        #expect(
            issues("value=1-2-3", as: One<UUID>.self) == [
                "query.value: Input should be a valid UUID (uuid_parsing)"
            ])
    }

    @Test(
        "a number is a finite decimal",
        arguments: [
            "nan", "NaN", "inf", "-infinity", "0x10", "0x1p3", "1e999", "-1e999", "", "e", "1_000", " 1",
        ])
    func notFinite(text: String) throws {
        let escaped = try #require(text.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        let expected =
            "query.value: Input should be a valid number, unable to parse string as a number (float_parsing)"
        #expect(issues("value=" + escaped, as: One<Double>.self) == [expected])
        #expect(issues("value=" + escaped, as: One<Float>.self) == [expected])
    }

    @Test("a number may have a sign, a fraction and an exponent")
    func finite() throws {
        #expect(try query("value=%2B1.5E%2B3", as: One<Double>.self).value == 1500)
        #expect(try query("value=-.5e-1", as: One<Float>.self).value == -0.05)
        #expect(issues("value=1e39", as: One<Float>.self).count == 1)
    }

    @Test("a date is ISO 8601, in any place")
    func dates() throws {
        let text = "2030-01-31T12:00:00Z"
        let date = Date(timeIntervalSince1970: 1_896_091_200)
        #expect(try query("value=" + text, as: One<Date>.self).value == date)
        #expect(try query("value=" + text, as: Perhaps<Date>.self).value == date)
        #expect(try query("value=" + text, as: One<[Date]>.self).value == [date])
        #expect(try query("value=" + text, as: [String: Date].self) == ["value": date])
        #expect(try query("value=" + text, as: Date.self) == date)
        #expect(try query("value=" + text, as: Date?.self) == date)
        #expect(try query("value=" + text, as: [Date].self) == [date])
        let path = RequestFixture.get("/\(text)", route: "/{at}")
        #expect(try Path<Date>(request: path.request()).value == date)
    }

    @Test("a date in another form is refused with its name")
    func wrongDates() {
        let issue =
            "Input should be a valid datetime in ISO 8601, such as 2030-01-31T12:00:00Z (datetime_parsing)"
        #expect(issues("value=7", as: One<Date>.self) == ["query.value: \(issue)"])
        #expect(issues("value=2030-02-30T12:00:00Z", as: Date.self) == ["query.value: \(issue)"])
        #expect(
            issues("value=2030-01-31T12:00:00Z&value=x", as: One<[Date]>.self) == [
                "query.value.[1]: \(issue)"
            ])
    }

    @Test("a type may not nest in a parameter")
    func nesting() {
        #expect(issues("value=1", as: One<One<Int>>.self)[0].hasSuffix("(dict_parsing)"))
    }

    // MARK: Lists

    @Test("an array takes every value of its name, in order; a scalar the last one")
    func repeated() throws {
        #expect(try query("value=3&x=9&value=1", as: One<[Int]>.self).value == [3, 1])
        #expect(try query("value=3", as: One<[Int]>.self).value == [3])
        #expect(try query("value=b&value=a", as: One<Set<String>>.self).value == ["a", "b"])
        #expect(try query("value=3&x=9&value=1", as: One<Int>.self).value == 1)
    }

    @Test("a wrong element is reported with its index")
    func elements() {
        #expect(
            issues("value=1&value=x", as: One<[Int]>.self) == [
                "query.value.[1]: Input should be a valid integer, unable to parse string as an integer"
                    + " (int_parsing)"
            ])
    }

    @Test("an absent array is missing, unless it is optional")
    func absentArray() throws {
        #expect(issues("x=1", as: One<[Int]>.self) == ["query.value: Field required (missing)"])
        #expect(try query("x=1", as: Perhaps<[Int]>.self).value == nil)
    }

    @Test("a dictionary takes every parameter")
    func dictionary() throws {
        #expect(try query("a=1&b=2&a=3", as: [String: Int].self) == ["a": 3, "b": 2])
        #expect(try query("a=1&b=2&a=3", as: [String: [Int]].self) == ["a": [1, 3], "b": [2]])
    }

    @Test("a dictionary of a long query costs a worker little", .timeLimit(.minutes(10)))
    func longQuery() throws {
        let text = Array(repeating: "a", count: 60_000).joined(separator: "&")
        #expect(try query(text, as: [String: String].self) == ["a": ""])
    }

    // MARK: The only parameter

    @Test("a scalar takes the only parameter")
    func only() throws {
        let path = try Path<Int>(request: RequestFixture.get("/items/7", route: "/items/{id}").request())
        #expect(path.value == 7)
        let id = UUID()
        let uuid = try Path<UUID>(
            request: RequestFixture.get("/items/\(id)", route: "/items/{id:uuid}").request())
        #expect(uuid.value == id)
    }

    @Test("a scalar's error has the parameter's name")
    func onlyWrong() {
        #expect(
            PostludeTests.issues {
                _ = try Path<Int>(request: RequestFixture.get("/items/x", route: "/items/{id}").request())
            } == [
                "path.id: Input should be a valid integer, unable to parse string as an integer (int_parsing)"
            ])
    }

    @Test("a scalar is refused if there are several parameters, or none")
    func several() {
        #expect(issues("a=1&b=2", as: Int.self).count == 1)
        #expect(issues("", as: Int.self) == ["query: Field required (missing)"])
    }

    @Test("an optional is nil without any parameter, and its value otherwise")
    func perhaps() throws {
        #expect(try query("", as: Int?.self) == nil)
        #expect(try query("page=3", as: Int?.self) == 3)
        #expect(issues("page=x", as: Int?.self).count == 1)
        #expect(issues("page=3&x=1", as: Int?.self).count == 1)
        #expect(try query("", as: One<Int>?.self)?.value == nil)
        #expect(try query("value=3&x=1", as: One<Int>?.self)?.value == 3)
        #expect(issues("x=1", as: One<Int>?.self) == ["query.value: Field required (missing)"])
    }

    @Test("a key that looks like a number is a key")
    func numericKeys() {
        #expect(
            issues("5=x", as: [String: Int].self) == [
                "query.5: Input should be a valid integer, unable to parse string as an integer (int_parsing)"
            ])
    }
}
