/// Escaping for log lines and terminals. Whatever a text contains, the output is one line, and a value cannot add a field.
package enum LogText {
    /// Returns a key in which characters that could begin another field or line are replaced.
    static func fieldName(_ key: String) -> String {
        String(key.map { $0.isWhitespace || $0 == "=" || $0 == "\"" || !$0.isASCII || $0 < " " ? "_" : $0 })
    }

    static func quoted(_ value: String) -> String {
        let needsQuotes = value.isEmpty || value.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "\"") }
        guard needsQuotes else { return escaped(value) }
        // Backslashes of the value are escaped first, so that they do not escape the added characters.
        let protected = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"\(escaped(protected))\""
    }

    /// Returns a text on one line, in which control characters and characters that change the direction of text are escaped.
    package static func escaped(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 >= 0x7f }) else { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isControl(scalar):
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    /// Whether a scalar is a control character, a line separator, or a character that changes the direction of text (Unicode
    /// Standard Annex 9).
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x20, 0x7f...0x9f, 0x2028, 0x2029, 0x061c, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069:
            true
        default: false
        }
    }
}

/// The text of errors in the log, of a bounded length, because it may contain a client's input.
package enum LoggedError {
    private static let limit = 4096

    package static func text(_ error: any Error) -> String {
        // The error's own description would contain the whole value.
        if case EncodingError.invalidValue(let value, let context) = error {
            let path = context.codingPath.prefix(32).map(\.stringValue).joined(separator: ".")
            return shortened(
                "\(type(of: value)) at \"\(path)\" cannot be encoded: \(context.debugDescription)")
        }
        return shortened("\(error)")
    }

    private static func shortened(_ text: String) -> String {
        guard text.utf8.count > limit else { return text }
        return String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "… (\(text.utf8.count) bytes)"
    }
}
