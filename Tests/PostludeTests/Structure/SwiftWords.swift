/// The words of a Swift file with their lines. Comments and texts are omitted, except a text's
/// interpolations.
struct SwiftWords {
    struct Word {
        /// An identifier, a number, or a single other character.
        let text: String
        let line: Int
        let isIdentifier: Bool
    }

    private(set) var all: [Word] = []
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    init(_ text: String) {
        bytes = Array(text.utf8)
        code(until: nil)
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func follows(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count - position >= count else { return false }
        for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
        return true
    }

    private mutating func advance(_ count: Int = 1) {
        for _ in 0..<count where position < bytes.count {
            if bytes[position] == UInt8(ascii: "\n") { line += 1 }
            position += 1
        }
    }

    /// - Parameter end: the parenthesis that closes an interpolation.
    private mutating func code(until end: UInt8?) {
        var open = 0
        while let byte = next {
            if follows("//") {
                while let byte = next, byte != UInt8(ascii: "\n") { position += 1 }
            } else if follows("/*") {
                comment()
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "#") && startsRawText {
                string()
            } else if Self.isPartOfIdentifier(byte) {
                identifier()
            } else {
                if byte == UInt8(ascii: "(") { open += 1 }
                if byte == end, open == 0 { return }
                if byte == UInt8(ascii: ")") { open -= 1 }
                if byte > 0x20 {
                    all.append(
                        Word(text: String(Unicode.Scalar(byte)), line: line, isIdentifier: false))
                }
                advance()
            }
        }
    }

    private mutating func comment() {
        var depth = 0
        repeat {
            if follows("/*") {
                depth += 1
                advance(2)
            } else if follows("*/") {
                depth -= 1
                advance(2)
            } else {
                advance()
            }
        } while depth > 0 && position < bytes.count
    }

    private mutating func identifier() {
        let start = position
        while let byte = next, Self.isPartOfIdentifier(byte) { position += 1 }
        all.append(
            Word(
                text: String(decoding: bytes[start..<position], as: UTF8.self), line: line, isIdentifier: true
            ))
    }

    private static func isPartOfIdentifier(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }

    // MARK: Texts

    private var startsRawText: Bool {
        let rest = bytes[position...].drop { $0 == UInt8(ascii: "#") }
        return rest.first == UInt8(ascii: "\"")
    }

    private mutating func string() {
        var hashes = 0
        while next == UInt8(ascii: "#") {
            hashes += 1
            position += 1
        }
        let quotes = follows("\"\"\"") ? 3 : 1
        position += quotes
        while let byte = next {
            if byte == UInt8(ascii: "\""), isEnd(quotes: quotes, hashes: hashes) {
                position += quotes + hashes
                return
            }
            guard byte == UInt8(ascii: "\\"), hasHashes(hashes, at: position + 1) else {
                advance()
                continue
            }
            position += 1 + hashes
            if next == UInt8(ascii: "(") {
                position += 1
                code(until: UInt8(ascii: ")"))
            }
            advance()
        }
    }

    private func isEnd(quotes: Int, hashes: Int) -> Bool {
        guard bytes.count - position >= quotes else { return false }
        for index in 0..<quotes where bytes[position + index] != UInt8(ascii: "\"") { return false }
        return hasHashes(hashes, at: position + quotes)
    }

    private func hasHashes(_ count: Int, at start: Int) -> Bool {
        guard bytes.count - start >= count else { return false }
        for index in 0..<count where bytes[start + index] != UInt8(ascii: "#") { return false }
        return true
    }
}
