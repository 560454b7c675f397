import FoundationEssentials

/// One field of a mail's header. A value can neither end its line nor contain characters beyond ASCII.
struct MailField: Sendable {
    /// The field without the CRLF at its end.
    let line: String

    private static let widest = 76

    /// - Throws: `MailError` for control characters (including CR and LF) and for bytes beyond ASCII.
    init(_ name: String, _ value: String) throws {
        try self.init(name, words: [value])
    }

    /// A field of several words, folded if a line would be too wide. Throws like the other initializer.
    init(_ name: String, words: [String]) throws {
        guard words.allSatisfy({ word in word.utf8.allSatisfy { (0x20...0x7E).contains($0) } }) else {
            throw MailError("the mail's \(name) field holds a line break or a character that is not ASCII")
        }
        var line = "\(name):"
        var width = line.utf8.count
        for (index, word) in words.enumerated() {
            let folds = index > 0 && width + 1 + word.utf8.count > Self.widest
            line += folds ? "\r\n \(word)" : " \(word)"
            width = (folds ? 0 : width) + 1 + word.utf8.count
        }
        self.line = line
    }

    /// A display name: a quoted string, or encoded words if it is not ASCII.
    static func phrase(_ name: String) throws -> [String] {
        guard isPlain(name) else { return try encodedWords(name) }
        let escaped = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return ["\"\(escaped)\""]
    }

    /// Free text, such as a subject.
    static func text(_ text: String) throws -> [String] {
        try isPlain(text) ? [text] : encodedWords(text)
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 < 0x80 } && !text.contains("=?")
    }

    /// RFC 2047: words of at most 64 characters, each with complete UTF-8 sequences.
    private static func encodedWords(_ text: String) throws -> [String] {
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw MailError("a name or subject holds a line break or another control character")
        }
        var chunks: [String] = []
        var chunk = ""
        for scalar in text.unicodeScalars {
            // 39 bytes are 52 characters of Base64, and 64 with "=?utf-8?B?" and "?=". They fit beside the
            // field's name.
            if chunk.utf8.count + UTF8.width(scalar) > 39 {
                chunks.append(chunk)
                chunk = ""
            }
            chunk.unicodeScalars.append(scalar)
        }
        chunks.append(chunk)
        return chunks.map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }
    }
}
