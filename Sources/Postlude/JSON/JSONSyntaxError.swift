/// Why a text is not JSON, and where.
struct JSONSyntaxError: Error, Hashable {
    let reason: String
    /// In Unicode scalars from the text's beginning, as Python counts.
    let offset: Int
    /// From 1.
    let line: Int
    /// In Unicode scalars, from 1.
    let column: Int

    /// - Parameter position: in bytes.
    init(_ reason: String, at position: Int, in bytes: [UInt8]) {
        self.reason = reason
        var (offset, line, column) = (0, 1, 1)
        // What continues a scalar (0b10......) begins none.
        for byte in bytes.prefix(position) where byte & 0xc0 != 0x80 {
            offset += 1
            if byte == UInt8(ascii: "\n") { (line, column) = (line + 1, 1) } else { column += 1 }
        }
        (self.offset, self.line, self.column) = (offset, line, column)
    }
}
