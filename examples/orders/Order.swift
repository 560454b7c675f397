import Postlude

/// The order that a client sends.
struct Order: Decodable {
    var id: OrderID
    var email: EmailAddress
}

/// The number or name that the shop gives an order.
struct OrderID: Decodable, Sendable, CustomStringConvertible {
    static let longest = 64

    let description: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try (try? container.decode(Int.self)).map(String.init) ?? container.decode(String.self)
        guard (1...Self.longest).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "an order's id has 1 to \(Self.longest) letters, digits, - and _")
        }
        description = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
