import Foundation

@testable import Postlude

enum Colour: String, Codable, CaseIterable { case red, green }
enum Level: Int, Codable, CaseIterable { case low = 1, high = 5 }
enum Unlisted: String, Codable { case one, two }

struct Wrapped: Decodable {
    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard text.hasPrefix("#") else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "no colour"))
        }
    }
}

struct TextOrNumber: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if (try? container.decode(String.self)) == nil { _ = try container.decode(Int.self) }
    }
}

struct Spoken: Decodable, SchemaProviding {
    static var schema: Schema { Schema(["type": "string", "pattern": "^#[0-9a-f]{6}$"]) }
}

struct EncodableOnly: Encodable {
    var name: String
}

struct Address: Codable {
    var street: String
}

struct Line: Codable {
    var count: Int
}

struct Order: Codable {
    var id: UUID
    var note: String?
    var shipTo: Address
    var lines: [Line]
    var colour: Unlisted
    var last: Bool

    enum CodingKeys: String, CodingKey {
        case id, note, lines, colour, last
        case shipTo = "ship-to"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(UUID.self, forKey: .id)
        note = try container.decodeIfPresent(String.self, forKey: .note)
        shipTo = try container.decode(Address.self, forKey: .shipTo)
        lines = try container.decode([Line].self, forKey: .lines)
        colour = try container.decode(Unlisted.self, forKey: .colour)
        last = try container.decode(Bool.self, forKey: .last)
    }
}

struct Tree: Codable {
    var name: String
    var children: [Tree]
}

final class Endless: Codable {
    let next: Endless
}

/// Decodes itself with different parameters each time.
struct Growing<Value: Decodable>: Decodable {
    enum CodingKeys: CodingKey { case inner }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        _ = try container.decode([Growing<[Value]>].self, forKey: .inner)
    }
}

/// Decodes until that fails.
struct Greedy: Decodable {
    init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        while (try? container.decode(Int.self)) != nil {}
    }
}

enum Shape: Decodable {
    case circle(Double)
    case square(Double)

    enum Kind: String, Decodable, CaseIterable { case circle, square }
    enum CodingKeys: CodingKey { case kind, radius, side }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .circle: self = .circle(try container.decode(Double.self, forKey: .radius))
        case .square: self = .square(try container.decode(Double.self, forKey: .side))
        }
    }
}

struct Picky: Decodable {
    enum CodingKeys: CodingKey { case name, other }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .name)
        guard name == "one that nobody guesses" else { throw NoSample() }
        _ = try container.decode(String.self, forKey: .other)
    }
}

struct Search: InputFields {
    @Field(1...50, summary: "What to find.") var q: String
    @Field(1...100) var limit = 20
    @Field(matching: "^[a-z-]+$") var slug: String?
    @Field(name: "item_id", greaterThan: 0) var itemID: Int
}
