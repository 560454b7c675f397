/// Writes JSON strings (RFC 8259, 7).
package enum JSONString {
    /// How control characters are written. Quotes and backslashes always have a backslash before them.
    package enum Escapes: Sendable {
        /// `\n`, `\t` and the like if JSON has such a form; the others by number: `\u001b`.
        case short
        /// By number: `\u000a`.
        case numbers
        /// By number in capitals, also DEL, which JSON does not require: `\u007F`.
        case numbersWithDelete

        fileprivate func covers(_ byte: UInt8) -> Bool {
            byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
                || byte == 0x7f && self == .numbersWithDelete
        }
    }

    /// Appends a text to `output` as a JSON string, with its quotes.
    package static func write(_ text: String, to output: inout [UInt8], escapes: Escapes = .short) {
        output.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            var rest = bytes[...]
            while let index = rest.firstIndex(where: escapes.covers) {
                output += rest[..<index]
                write(rest[index], to: &output, escapes)
                rest = rest[(index + 1)...]
            }
            output += rest
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func write(_ byte: UInt8, to output: inout [UInt8], _ escapes: Escapes) {
        output.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(byte)
        case 0x08 where escapes == .short: output.append(UInt8(ascii: "b"))
        case 0x09 where escapes == .short: output.append(UInt8(ascii: "t"))
        case 0x0a where escapes == .short: output.append(UInt8(ascii: "n"))
        case 0x0c where escapes == .short: output.append(UInt8(ascii: "f"))
        case 0x0d where escapes == .short: output.append(UInt8(ascii: "r"))
        default:
            output += byte < 0x10 ? "u000".utf8 : "u00".utf8
            output += String(byte, radix: 16, uppercase: escapes == .numbersWithDelete).utf8
        }
    }
}
