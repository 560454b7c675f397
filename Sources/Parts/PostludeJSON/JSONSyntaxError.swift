/// The reason why a text is not JSON, and its position.
package struct JSONSyntaxError: Error, Hashable {
    package enum Reason: Sendable {
        case invalidUTF8
        case textTooLong
        case extraData
        case expectedValue
        case expectedDigitsInFraction
        case expectedDigitsInExponent
        case expectedName
        case expectedColon
        case expectedCommaOrBracket
        case expectedCommaOrBrace
        case nestedTooDeeply
        case invalidEscape
        case controlCharacter
        case unterminatedString

        /// The reason, in the words of Python's `json` module if it has a text for it.
        package var text: String {
            switch self {
            case .invalidUTF8: "Invalid UTF-8"
            case .textTooLong: "Text too long"
            case .extraData: "Extra data"
            case .expectedValue: "Expecting value"
            case .expectedDigitsInFraction, .expectedDigitsInExponent: "Expecting digits"
            case .expectedName: "Expecting property name enclosed in double quotes"
            case .expectedColon: "Expecting ':' delimiter"
            case .expectedCommaOrBracket, .expectedCommaOrBrace: "Expecting ',' delimiter"
            case .nestedTooDeeply: "Nested too deeply"
            case .invalidEscape: "Invalid \\escape"
            case .controlCharacter: "Invalid control character"
            case .unterminatedString: "Unterminated string"
            }
        }
    }

    package let reason: Reason
    /// The position, in bytes from the beginning of the text.
    package let position: Int
    /// The position, in Unicode scalars from the beginning of the text, as Python counts.
    package let offset: Int
    /// The line, counted from 1.
    package let line: Int
    /// The column, in Unicode scalars, counted from 1.
    package let column: Int

    init(_ reason: Reason, at position: Int, in bytes: [UInt8]) {
        self.reason = reason
        self.position = position
        var (offset, line, column) = (0, 1, 1)
        // Bytes of the form 0b10...... continue a scalar.
        for byte in bytes.prefix(position) where byte & 0xc0 != 0x80 {
            offset += 1
            if byte == UInt8(ascii: "\n") { (line, column) = (line + 1, 1) } else { column += 1 }
        }
        (self.offset, self.line, self.column) = (offset, line, column)
    }
}
