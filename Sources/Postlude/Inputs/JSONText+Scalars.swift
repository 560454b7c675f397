extension JSONText {
    /// `-0.5e+10`: no leading zeros or plus signs, and digits on both sides of a point.
    mutating func number() -> JSON? {
        let start = position
        _ = take("-")
        guard take("0") || digits() else { return nil }
        var isInteger = true
        if take(".") {
            isInteger = false
            guard digits() else { return nil }
        }
        if take("e") || take("E") {
            isInteger = false
            _ = take("+") || take("-")
            guard digits() else { return nil }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { return nil }
        return .number(value)
    }

    /// At least one digit.
    private mutating func digits() -> Bool {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position > start
    }

    mutating func string() -> String? {
        guard take("\"") else { return nil }
        var units: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: units, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let scalar = escape() else { return nil }
                units += String(scalar).utf8
            case ..<0x20: return nil
            default: units.append(byte)
            }
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        guard let byte = next else { return nil }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return escapedScalar()
        default: return nil
        }
    }

    /// A UTF-16 code unit, or a surrogate pair; half a pair is nothing that Unicode knows.
    private mutating func escapedScalar() -> Unicode.Scalar? {
        guard let high = codeUnit() else { return nil }
        guard (0xd800..<0xdc00).contains(high) else { return Unicode.Scalar(high) }
        guard take("\\"), take("u"), let low = codeUnit(), (0xdc00..<0xe000).contains(low) else { return nil }
        return Unicode.Scalar(0x10000 + (UInt32(high) - 0xd800) << 10 + (UInt32(low) - 0xdc00))
    }

    /// Four hexadecimal digits.
    private mutating func codeUnit() -> UInt16? {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, let value: UInt16 = FormText.hexadecimal(digits) else { return nil }
        position += 4
        return value
    }
}
