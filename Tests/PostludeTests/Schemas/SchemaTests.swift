import Foundation
import Testing

@testable import Postlude

@Suite("Schemas of types")
struct SchemaTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let type: any (Any & SendableMetatype).Type
        let json: String
        var testDescription: String { "\(type)" }
    }

    private static let int64 =
        #"{"type":"integer","format":"int64","maximum":9223372036854775807,"minimum":-9223372036854775808}"#

    static let rows: [Row] = [
        Row(type: Bool.self, json: #"{"type":"boolean"}"#),
        Row(type: Int.self, json: int64),
        Row(type: UInt8.self, json: #"{"type":"integer","maximum":255,"minimum":0}"#),
        Row(
            type: UInt64.self,
            json: #"{"type":"integer","exclusiveMaximum":1.8446744073709552e+19,"minimum":0}"#),
        Row(type: Double.self, json: #"{"type":"number","format":"double"}"#),
        Row(type: Decimal.self, json: #"{"type":"number"}"#),
        Row(type: String.self, json: #"{"type":"string"}"#),
        Row(type: String?.self, json: #"{"type":["string","null"]}"#),
        Row(type: UUID.self, json: #"{"type":"string","format":"uuid"}"#),
        Row(type: Date.self, json: #"{"type":"string","format":"date-time"}"#),
        Row(type: Date?.self, json: #"{"anyOf":[{"type":"string","format":"date-time"},{"type":"null"}]}"#),
        Row(type: URL.self, json: #"{"type":"string","format":"uri"}"#),
        Row(type: EmailAddress.self, json: #"{"type":"string","format":"email"}"#),
        Row(type: JSONValue.self, json: "{}"),
        Row(type: [Bool].self, json: #"{"type":"array","items":{"type":"boolean"}}"#),
        Row(type: Set<String>.self, json: #"{"type":"array","items":{"type":"string"}}"#),
        Row(
            type: [String: Bool].self,
            json: #"{"type":"object","additionalProperties":{"type":"boolean"}}"#),
        Row(type: [String: JSONValue].self, json: #"{"type":"object","additionalProperties":true}"#),
        Row(type: Colour.self, json: #"{"type":"string","enum":["red","green"]}"#),
        Row(type: Level.self, json: #"{"type":"integer","enum":[1,5]}"#),
        Row(type: Unlisted.self, json: #"{"type":"string"}"#),
        Row(type: Wrapped.self, json: #"{"type":"string"}"#),
        Row(type: TextOrNumber.self, json: #"{"anyOf":[{"type":"string"},"# + int64 + "]}"),
        Row(type: Spoken.self, json: #"{"type":"string","pattern":"^#[0-9a-f]{6}$"}"#),
        Row(type: EncodableOnly.self, json: "{}"),
    ]

    @Test("A type's schema", arguments: rows)
    func schema(row: Row) throws {
        #expect(DocumentNode.value(Schema(of: row.type).json).text(isPretty: false) == row.json)
    }

    @Test("A struct is a definition with its properties in order, and optional ones are not required")
    func structure() throws {
        let schema = Schema(of: Order.self)
        let properties = try #require(schema.properties)
        #expect(properties.map(\.name) == ["id", "note", "ship-to", "lines", "colour", "last"])
        #expect(schema.requiredNames == ["id", "ship-to", "lines", "colour", "last"])
        #expect(properties[1].schema.keywords == ["type": ["string", "null"]])
        let names = Set(schema.definitions.values.map(\.name))
        #expect(names == ["Order", "Address", "Line"])
    }

    @Test("Types that contain themselves refer to themselves")
    func recursion() throws {
        let schema = Schema(of: Tree.self)
        let key = try #require(schema.referenceKey)
        let properties = try #require(schema.properties)
        #expect(properties[1].schema.keywords["items"] == ["$ref": .string(Schema.componentPath + key)])
        // None of these ends in a loop.
        _ = Schema(of: Endless.self)
        _ = Schema(of: Growing<Int>.self)
        _ = Schema(of: Greedy.self)
    }

    @Test("Properties that depend on one value of another property are optional")
    func choices() throws {
        let schema = Schema(of: Shape.self)
        #expect(schema.requiredNames == ["kind"])
        #expect(Set(try #require(schema.properties).map(\.name)) == ["kind", "radius", "side"])
    }

    @Test("A type that refuses everything is described up to that point")
    func refusal() throws {
        let schema = Schema(of: Picky.self)
        #expect(try #require(schema.properties).map(\.name) == ["name"])
        #expect(schema.definitions.values.first?.isIncomplete == true)
    }

    private struct Unbounded: InputFields {
        @Field(0.5...) var share = Double.infinity
        @Field(...Double.infinity) var weight: Double
    }

    @Test("An infinite bound or default is omitted, since JSON cannot represent it")
    func infinite() throws {
        let properties = try #require(Schema(of: Unbounded.self).properties)
        let texts = properties.map { DocumentNode.value($0.schema.json).text(isPretty: false) }
        #expect(
            texts == [
                #"{"type":"number","format":"double","minimum":0.5}"#,
                #"{"type":"number","format":"double"}"#,
            ])
    }

    @Test("Fields add their rules, defaults, names and summaries")
    func fields() throws {
        let schema = Schema(of: Search.self)
        #expect(schema.requiredNames == ["q", "item_id"])
        let properties = try #require(schema.properties)
        let texts = properties.map { DocumentNode.value($0.schema.json).text(isPretty: false) }
        #expect(
            texts == [
                #"{"type":"string","description":"What to find.","maxLength":50,"minLength":1}"#,
                #"{"type":"integer","format":"int64","default":20,"maximum":100,"minimum":1}"#,
                #"{"anyOf":[{"type":"string","pattern":"^[a-z-]+$"},{"type":"null"}]}"#,
                #"{"type":"integer","format":"int64","exclusiveMinimum":0,"maximum":9223372036854775807,"#
                    + #""minimum":-9223372036854775808}"#,
            ])
    }
}
