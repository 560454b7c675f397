/// Percent-encoding (RFC 3986, 2.1).
enum PercentEncoding {
    /// Encodes all bytes except RFC 3986's unreserved characters and those in `others`.
    static func encode(_ bytes: some Sequence<UInt8>, except others: StaticString = "") -> String {
        let allowed = others.withUTF8Buffer { Array($0) }
        var result: [UInt8] = []
        for byte in bytes {
            if isUnreserved(byte) || allowed.contains(byte) {
                result.append(byte)
            } else {
                append(byte, to: &result)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Makes a valid URI reference: encodes the characters that must not occur in one, and each `%` that does not begin
    /// an escape. Keeps valid escapes.
    static func repair(_ reference: String) -> String {
        let reserved: [UInt8] = Array(":/?#[]@!$&'()*+,;=".utf8)
        let bytes = Array(reference.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for (index, byte) in bytes.enumerated() {
            let isEscape =
                byte == UInt8(ascii: "%")
                && bytes[(index + 1)...].prefix(2).count(where: isHexDigit) == 2
            if isEscape || isUnreserved(byte) || reserved.contains(byte) {
                result.append(byte)
            } else {
                append(byte, to: &result)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func append(_ byte: UInt8, to result: inout [UInt8]) {
        let digits: StaticString = "0123456789ABCDEF"
        result.append(UInt8(ascii: "%"))
        digits.withUTF8Buffer { result += [$0[Int(byte >> 4)], $0[Int(byte & 15)]] }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        Character(Unicode.Scalar(byte)).isHexDigit
    }
}
