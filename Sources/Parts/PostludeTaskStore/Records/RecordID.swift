/// A record's id: a UUID in lower case. It is the same in all processes, and at a broker.
package struct RecordID: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package var description: String { text }

    /// - Returns: nil if the text is not a UUID. Capital letters are accepted, and converted to lower case.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 36 else { return nil }
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 8, 13, 18, 23: guard byte == UInt8(ascii: "-") else { return nil }
            default: guard Character(UnicodeScalar(byte)).isHexDigit else { return nil }
            }
        }
        self.text = text.lowercased()
    }

    /// Makes a new id of version 7 (RFC 9562, 5.7). Ids of later records are greater, so that the index of
    /// ids grows at its end only. 74 bits are random, so that ids cannot be guessed.
    ///
    /// - Parameter milliseconds: the time, in milliseconds since 1970.
    package static func make(at milliseconds: Int64) -> RecordID {
        let time = UInt64(clamping: milliseconds) & 0xffff_ffff_ffff
        let high = time << 16 | 0x7000 | UInt64.random(in: 0..<0x1000)
        let low = 1 << 63 | UInt64.random(in: 0..<1 << 62)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(36)
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 { bytes.append(UInt8(ascii: "-")) }
            let number = index < 16 ? high : low
            let digit = UInt8(number >> (60 - index % 16 * 4) & 0xf)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
        return RecordID(unchecked: String(decoding: bytes, as: UTF8.self))
    }

    private init(unchecked text: String) { self.text = text }
}
