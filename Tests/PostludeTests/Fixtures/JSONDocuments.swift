import PostludeSystem

/// Random JSON documents in every notation, and broken ones.
struct JSONDocuments {
    private var random: SeededGenerator
    private let hasRepeatedKeys: Bool
    private var keyCount = 0

    init(seed: UInt64, hasRepeatedKeys: Bool) {
        random = SeededGenerator(seed: seed)
        self.hasRepeatedKeys = hasRepeatedKeys
    }

    mutating func document() -> [UInt8] { Array(value(depth: 0).utf8) }

    /// `document` with one change: a byte removed, added or replaced, or a piece repeated.
    mutating func broken(_ document: [UInt8]) -> [UInt8] {
        let telling =
            Array("{}[]\",:\\0123456789-+.eEutnrf/ \n\t\u{0}\u{1f}\u{7f}xD8".utf8) + [0x80, 0xc3, 0xed, 0xff]
        let byte = telling[Int.random(in: 0..<telling.count, using: &random)]
        let place = Int.random(in: 0..<document.count, using: &random)
        var result = document
        switch Int.random(in: 0..<5, using: &random) {
        case 0: result.remove(at: place)
        case 1: result.insert(byte, at: place)
        case 2: result[place] = byte
        case 3: result.append(byte)
        default: result.insert(contentsOf: document[place...].prefix(4), at: place)
        }
        return result
    }

    private mutating func value(depth: Int) -> String {
        let text =
            switch Int.random(in: 0..<(depth < 5 ? 9 : 6), using: &random) {
            case 0: "null"
            case 1: Bool.random(using: &random) ? "true" : "false"
            case 2, 3: number()
            case 4, 5: string()
            case 6, 7: "[" + list { $0.value(depth: depth + 1) } + "]"
            default:
                "{" + list { $0.space() + $0.key() + $0.space() + ":" + $0.value(depth: depth + 1) } + "}"
            }
        return space() + text + space()
    }

    private mutating func list(_ element: (inout JSONDocuments) -> String) -> String {
        let elements = (0..<Int.random(in: 0...4, using: &random)).map { _ in element(&self) }
        return elements.isEmpty ? space() : elements.joined(separator: ",")
    }

    private mutating func space() -> String {
        Int.random(in: 0..<8, using: &random) == 0 ? one(of: [" ", "\n", "\t", "\r\n", "  "]) : ""
    }

    private mutating func number() -> String {
        let digits = [
            "0", "7", "10", "4095", "9007199254740993", "9223372036854775807", "9223372036854775808",
            "123456789012345678901234567890",
        ]
        let fractions = ["", "", ".0", ".5", ".125", ".000001", ".33333333333333333333"]
        let exponents = ["", "", "", "e0", "E9", "e+2", "e-3", "E-07"]
        return one(of: ["", "-"]) + one(of: digits) + one(of: fractions) + one(of: exponents)
    }

    private mutating func key() -> String {
        keyCount += 1
        return hasRepeatedKeys ? string() : string().dropLast() + "#\(keyCount)\""
    }

    private mutating func string() -> String {
        let pieces = [
            "a", "key", "b", " ", "ä", "€", "😀", "e\u{301}", "\u{7f}", "\u{2028}", "/", "\\\"", "\\\\", "\\/",
            "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0000", "\\u00e4", "\\u20AC", "\\ud83d\\ude00", "\\uFFFF",
            "1",
        ]
        let count = Int.random(in: 0...5, using: &random)
        return "\"" + (0..<count).map { _ in one(of: pieces) }.joined() + "\""
    }

    private mutating func one(of choices: [String]) -> String {
        choices[Int.random(in: 0..<choices.count, using: &random)]
    }
}
