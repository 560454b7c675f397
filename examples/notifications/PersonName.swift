/// A person's name from a client: not empty, not long, and on one line.
struct PersonName: Decodable, Sendable, CustomStringConvertible {
    static let longest = 100

    let description: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard (1...Self.longest).contains(text.unicodeScalars.count),
            !text.unicodeScalars.allSatisfy(\.properties.isWhitespace),
            !text.unicodeScalars.contains(where: { $0.properties.generalCategory.isControl })
        else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "a name has 1 to \(Self.longest) characters, without line breaks")
        }
        description = text
    }
}

extension Unicode.GeneralCategory {
    fileprivate var isControl: Bool {
        switch self {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
