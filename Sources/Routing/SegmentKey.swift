/// A literal segment in 16 bytes: itself, or a hash of it when it is longer.
///
/// It relies on what `RoutePath` grants: no segment holds a null or the byte 0xFF, which UTF-8 never has.
struct SegmentKey: Sendable, Equatable {
    private var first: UInt64 = 0
    private var second: UInt64 = 0

    init() {}

    init(_ segment: UnsafeBufferPointer<UInt8>) {
        let bytes = UnsafeRawBufferPointer(segment)
        if bytes.count <= 16 {
            first = Self.word(of: bytes, at: 0)
            second = Self.word(of: bytes, at: 8)
        } else {
            for offset in stride(from: 0, to: bytes.count, by: 8) {
                first = Self.fold(first ^ Self.word(of: bytes, at: offset))
            }
            second = Self.partial
        }
    }

    /// Whether other segments may have the same key.
    var isPartial: Bool { second == Self.partial }

    func hash(below parent: Int32) -> UInt64 {
        Self.fold(Self.fold(UInt64(UInt32(bitPattern: parent)) ^ first) ^ second)
    }

    private static let partial = UInt64.max

    /// Eight bytes from an offset, or as many as there are; zeros stand for the others.
    private static func word(of bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64 {
        if offset + 8 <= bytes.count { return bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        var word: UInt64 = 0
        var place = bytes.count
        while place > offset {
            place -= 1
            word = word << 8 | UInt64(bytes[place])
        }
        return UInt64(littleEndian: word)
    }

    private static func fold(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
        return product.high ^ product.low
    }
}
