/// An escape in a JSON string (RFC 8259, 7).
enum JSONEscape {
    /// Returns the scalar of the escape at `position`, and moves `position` past the escape; nil if it is not a valid escape.
    static func scalar(in bytes: [UInt8], at position: inout Int) -> Unicode.Scalar? {
        guard bytes.count - position >= 2 else { return nil }
        let byte = bytes[position + 1]
        position += 2
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return unicodeScalar(in: bytes, at: &position)
        default: return nil
        }
    }

    /// Reads a UTF-16 code unit or a surrogate pair. Returns nil for half a pair.
    private static func unicodeScalar(in bytes: [UInt8], at position: inout Int) -> Unicode.Scalar? {
        guard let high = codeUnit(in: bytes, at: &position) else { return nil }
        guard (0xd800..<0xdc00).contains(high) else { return Unicode.Scalar(high) }
        guard bytes[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) else { return nil }
        position += 2
        guard let low = codeUnit(in: bytes, at: &position), (0xdc00..<0xe000).contains(low) else {
            return nil
        }
        return Unicode.Scalar(0x10000 + (UInt32(high) - 0xd800) << 10 + (UInt32(low) - 0xdc00))
    }

    /// Reads four hexadecimal digits.
    private static func codeUnit(in bytes: [UInt8], at position: inout Int) -> UInt16? {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4 else { return nil }
        var value: UInt16 = 0
        for byte in digits {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt16(digit)
        }
        position += 4
        return value
    }
}
