extension JSONText {
    /// Reads a number such as `-0.5e+10`, without leading zeros or a plus sign, and with digits on both sides of the point.
    mutating func number() throws(JSONSyntaxError) {
        let start = position
        _ = take("-")
        guard take("0") || digits() else { throw error("Expecting value", at: start) }
        if take(".") { try fraction() }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            try fraction()
        }
        append(.number, from: start, to: position)
    }

    /// Reads the digits that must follow a point or an `e`.
    private mutating func fraction() throws(JSONSyntaxError) {
        guard digits() else { throw error("Expecting digits") }
    }

    /// Reads digits.
    ///
    /// - Returns: false if there is none.
    private mutating func digits() -> Bool {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position > start
    }

    mutating func string() throws(JSONSyntaxError) {
        let quote = position
        position += 1
        var hasEscapes = false
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                append(.string, from: quote + 1, to: position, hasEscapes: hasEscapes)
                position += 1
                return
            case UInt8(ascii: "\\"):
                hasEscapes = true
                let start = position
                guard JSONEscape.scalar(in: bytes, at: &position) != nil else {
                    throw error("Invalid \\escape", at: start)
                }
            case ..<0x20: throw error("Invalid control character")
            default: position += 1
            }
        }
        throw error("Unterminated string", at: quote)
    }
}
