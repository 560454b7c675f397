/// A language in the form of RFC 5646, such as `de`, `pt-BR` or `zh-Hant-TW`. Its form is checked, not
/// whether the language exists.
struct LanguageTag: Codable, Hashable, Sendable {
    static let longest = 35

    let text: String

    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count <= Self.longest, let language = parts.first,
            (2...8).contains(language.utf8.count), language.utf8.allSatisfy(Self.isLetter),
            parts.dropFirst().allSatisfy(Self.isSubtag)
        else { return nil }
        self.text = text
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let tag = LanguageTag(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a language is written like en, pt-BR or zh-Hant-TW")
        }
        self = tag
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    private static func isSubtag(_ part: Substring) -> Bool {
        (1...8).contains(part.utf8.count) && part.utf8.allSatisfy { isLetter($0) || isDigit($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        // Bit 5 makes a small letter of a capital one.
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
