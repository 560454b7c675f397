/// Percent-escapes: read from a URI, kept in a normalised path, and decoded in a parameter.
enum PercentEscape {
    /// A slash inside a segment, as it is written in a normalised path.
    static let slash = Array("%2F".utf8)
    /// A percent sign, as it is written in a normalised path.
    static let percent = Array("%25".utf8)

    /// Returns the byte that the escape at `position` stands for; nil if the escape is invalid.
    static func byte(in bytes: some RandomAccessCollection<UInt8>, at position: Int) -> UInt8? {
        guard let first = bytes.index(bytes.startIndex, offsetBy: position + 1, limitedBy: bytes.endIndex),
            let second = bytes.index(first, offsetBy: 1, limitedBy: bytes.endIndex), second != bytes.endIndex,
            let high = hexadecimalValue(bytes[first]), let low = hexadecimalValue(bytes[second])
        else { return nil }
        return high << 4 | low
    }

    /// Appends a decoded byte, but a slash and a percent sign as escapes.
    static func appendNormalized(_ byte: UInt8, to output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "/"): output += slash
        case UInt8(ascii: "%"): output += percent
        default: output.append(byte)
        }
    }

    /// Decodes the two escapes that a normalised path can contain.
    static func decoded(_ normalized: UnsafeBufferPointer<UInt8>) -> String {
        guard normalized.contains(UInt8(ascii: "%")) else {
            return String(decoding: normalized, as: UTF8.self)
        }
        var output: [UInt8] = []
        output.reserveCapacity(normalized.count)
        var position = 0
        while position < normalized.count {
            // A pattern may have split an escape: then its characters stand for themselves.
            if normalized[position] == UInt8(ascii: "%"), let byte = byte(in: normalized, at: position) {
                output.append(byte)
                position += 3
            } else {
                output.append(normalized[position])
                position += 1
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
