/// A literal segment in 16 bytes: itself, or a hash of it when it is longer.
///
/// It relies on what `RoutePath` grants: no segment holds a null or the byte 0xFF, which UTF-8 never has.
struct SegmentKey: Sendable, Equatable {
    private(set) var first: UInt64 = 0
    private var second: UInt64 = 0

    init() {}

    /// Reads the segment that begins at `start` and ends before a slash or with the path; `end` becomes its
    /// end.
    ///
    /// Eight bytes at a time: a loop over bytes would cost as much as all else that a step does.
    init(in path: UnsafeBufferPointer<UInt8>, from start: Int, end: inout Int) {
        let bytes = UnsafeRawBufferPointer(path)
        end = start
        first = Self.takeWord(of: bytes, at: &end)
        guard end == start + 8 else { return }
        second = Self.takeWord(of: bytes, at: &end)
        guard end == start + 16, end < bytes.count, bytes[end] != UInt8(ascii: "/") else { return }
        first = Self.product(first, second)
        second = Self.partial
        var next = end
        repeat {
            end = next
            first = Self.product(first, Self.takeWord(of: bytes, at: &next))
        } while next == end + 8
        end = next
    }

    /// Whether other segments may have the same key.
    var isPartial: Bool { second >= Self.partial }

    /// Where the segment of a partial key stands in the index's texts; 0 in a key that a path was read into.
    var textOffset: Int {
        get { Int(second & ~Self.partial) }
        set { second = Self.partial | UInt64(newValue) }
    }

    func hash(below parent: Int32) -> UInt64 {
        let below = UInt64(UInt32(bitPattern: parent)) &* 0x9E37_79B9_7F4A_7C15
        return Self.product(first ^ below, isPartial ? Self.partial : second)
    }

    private static let partial: UInt64 = 0xFF << 56

    /// The bytes from a position to the next slash, or eight; zeros stand for the others. The position
    /// becomes the end of what was taken.
    private static func takeWord(of bytes: UnsafeRawBufferPointer, at position: inout Int) -> UInt64 {
        let count = bytes.count - position
        var word: UInt64 = 0
        if count >= 8 {
            word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        } else if bytes.count >= 8 {
            // The path's last eight bytes, without those that stand before the position.
            word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self))
            word >>= UInt64(64 - 8 * count)
        } else {
            for byte in bytes[position...].reversed() { word = word << 8 | UInt64(byte) }
        }
        // The lowest bit that is set is the top bit of the first slash.
        let ones: UInt64 = 0x0101_0101_0101_0101
        let difference = word ^ (ones &* UInt64(UInt8(ascii: "/")))
        let slashes = (difference &- ones) & ~difference & (ones << 7)
        guard slashes != 0 else {
            position += min(count, 8)
            return word
        }
        let length = slashes.trailingZeroBitCount / 8
        position += length
        return word & ((1 << UInt64(8 * length)) - 1)
    }

    private static func product(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let product = (first ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: second ^ 0xE703_7ED1_A0B4_28DB)
        return product.high ^ product.low
    }
}
