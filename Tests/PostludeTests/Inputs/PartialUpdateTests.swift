import Testing

@testable import Postlude

@Suite struct PartialUpdateTests {
    private struct Plain: Decodable, Equatable {
        var name: String??
        var seats: Int??
        var floor: Int?
    }

    private struct Fields: InputFields, Equatable {
        @Field(1...5) var name: String??
        @Field(1...20) var seats: Int??
        @Field var floor: Int?
    }

    private func plain(_ json: String) throws -> Plain {
        try JSONBody<Plain>(request: RequestFixture.post(json).request()).value
    }

    private func fields(_ json: String) throws -> Fields {
        try JSONBody<Fields>(request: RequestFixture.post(json).request()).value
    }

    private func isAbsent<Value>(_ value: Value??) -> Bool { if case .none = value { true } else { false } }
    private func isNull<Value>(_ value: Value??) -> Bool {
        if case .some(.none) = value { true } else { false }
    }

    @Test func `two optionals distinguish absent, null and a value`() throws {
        let absent = try (plain("{}"), fields("{}"))
        #expect(isAbsent(absent.0.name) && isAbsent(absent.1.name))
        #expect(isAbsent(absent.0.seats) && isAbsent(absent.1.seats))
        let null = try (plain(#"{"name": null, "seats": null}"#), fields(#"{"name": null, "seats": null}"#))
        #expect(isNull(null.0.name) && isNull(null.1.name))
        #expect(isNull(null.0.seats) && isNull(null.1.seats))
        let value = try (plain(#"{"name": "a", "seats": 2}"#), fields(#"{"name": "a", "seats": 2}"#))
        #expect(value.0 == Plain(name: "a", seats: 2, floor: nil))
        #expect(value.1.name == "a" && value.1.seats == 2)
    }

    @Test func `one optional is nil for both`() throws {
        #expect(try plain("{}").floor == nil && plain(#"{"floor": null}"#).floor == nil)
        #expect(try fields("{}").floor == nil && fields(#"{"floor": null}"#).floor == nil)
        #expect(try plain(#"{"floor": 3}"#).floor == 3 && fields(#"{"floor": 3}"#).floor == 3)
    }

    @Test func `a value made in code is absent where it is not set, and tells null from a value`() {
        let update = Fields { $0.name = "Blue" }
        #expect(update.name == "Blue")
        #expect(isAbsent(update.seats) && update.floor == nil)
        #expect(isNull(Fields { $0.seats = .some(nil) }.seats))
        #expect(Fields { $0.floor = 3 }.floor == 3)
    }

    @Test func `rules apply to values, and not to null`() throws {
        #expect(try isNull(fields(#"{"name": null}"#).name))
        #expect(
            issues { _ = try fields(#"{"name": "abcdef", "seats": 0}"#) } == [
                "body.name: String should have at most 5 characters (string_too_long)",
                "body.seats: Input should be greater than or equal to 1 (greater_than_equal)",
            ])
    }

    @Test func `a parameter without null is absent or a value`() throws {
        let query = try Query<Fields>(request: RequestFixture.get("/?seats=3").request())
        #expect(isAbsent(query.name) && query.seats == 3)
    }

    @Test func `the API's description has null once`() {
        let definition = Schema(of: Fields.self).definitions.values.first
        #expect(definition?.keywords["required"] == nil)
        #expect(definition?.propertyNames == ["name", "seats", "floor"])
        #expect(Schema(of: Int??.self) == Schema(of: Int?.self))
    }
}
