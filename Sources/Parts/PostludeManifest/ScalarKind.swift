/// The type of a scalar in YAML 1.2's core schema. A quoted scalar is always text.
enum ScalarKind: Equatable {
    case null
    case boolean
    case integer
    case float
    case text

    init(_ scalar: Node.Scalar) {
        self = scalar.style == .plain ? Self(plain: scalar.string) : .text
    }

    init(plain text: String) {
        switch text {
        case "", "~", "null", "Null", "NULL":
            self = .null
        case "true", "True", "TRUE", "false", "False", "FALSE":
            self = .boolean
        case ".nan", ".NaN", ".NAN":
            self = .float
        default:
            self = Self.number(text)
        }
    }

    private static func number(_ text: String) -> Self {
        let unsigned = text.utf8.drop { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
        guard text.utf8.count - unsigned.count <= 1, let first = unsigned.first else { return .text }
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        if unsigned.allSatisfy(isDigit) { return .integer }
        if [".inf", ".Inf", ".INF"].contains(String(Substring(unsigned))) { return .float }
        if text.hasPrefix("0x"), Int(text.dropFirst(2), radix: 16) != nil { return .integer }
        if text.hasPrefix("0o"), Int(text.dropFirst(2), radix: 8) != nil { return .integer }
        // `Double` also accepts "nan", "infinity" and hexadecimal digits, which are text in YAML.
        let isDecimal = unsigned.allSatisfy { isDigit($0) || ".eE+-".utf8.contains($0) }
        guard isDecimal, unsigned.contains(where: isDigit), isDigit(first) || first == UInt8(ascii: ".")
        else { return .text }
        return Double(text) != nil || Double(text + "0") != nil ? .float : .text
    }
}
