/// Reads and writes the name-value pairs of a PARAMS stream or a GET_VALUES record (FastCGI specification, 3.4).
///
/// A length is one byte, or four with the highest bit set, so it is at most 2^31 - 1: the sum of two lengths and an
/// offset cannot overflow `Int`, and each length is compared with what is left before it is used.
package struct NameValuePairs {
    /// The positions of a pair's name and value in the stream.
    ///
    /// A request has about twenty, and each lookup passes over them: so they are small.
    struct Pair: Sendable {
        private let start: UInt32
        private let nameEnd: UInt32
        private let end: UInt32

        /// - Parameter start: the name's offset, which the value follows. The caller has checked that the end of the
        ///   value fits into `UInt32`.
        fileprivate init(start: Int, nameLength: Int, valueLength: Int) {
            self.start = UInt32(truncatingIfNeeded: start)
            nameEnd = UInt32(truncatingIfNeeded: start + nameLength)
            end = UInt32(truncatingIfNeeded: start + nameLength + valueLength)
        }

        var name: Range<Int> { Int(start)..<Int(nameEnd) }
        var value: Range<Int> { Int(nameEnd)..<Int(end) }
        /// The name and the value.
        var both: Range<Int> { Int(start)..<Int(end) }
        var nameLength: Int { Int(nameEnd &- start) }
    }

    private(set) var offset = 0

    /// Reads the next pair of `stream`; nil at its end.
    mutating func next(in stream: Span<UInt8>) throws(ProtocolViolation) -> Pair? {
        guard offset < stream.count else { return nil }
        guard stream.count <= UInt32.max else { throw .nameValuePairs }
        let nameLength = try length(in: stream)
        let valueLength = try length(in: stream)
        guard nameLength <= stream.count - offset, valueLength <= stream.count - offset - nameLength else {
            throw .nameValuePairs
        }
        let pair = Pair(start: offset, nameLength: nameLength, valueLength: valueLength)
        offset += nameLength + valueLength
        return pair
    }

    private mutating func length(in stream: Span<UInt8>) throws(ProtocolViolation) -> Int {
        guard offset < stream.count else { throw .nameValuePairs }
        let first = stream[offset]
        guard first & 0x80 != 0 else {
            offset += 1
            return Int(first)
        }
        guard stream.count - offset >= 4 else { throw .nameValuePairs }
        let length =
            Int(first & 0x7f) << 24 | Int(stream[offset + 1]) << 16 | Int(stream[offset + 2]) << 8
            | Int(stream[offset + 3])
        offset += 4
        return length
    }

    /// Appends a pair to `stream`. Each length is at most 2^31 - 1.
    package static func append(name: String, value: String, to stream: inout [UInt8]) {
        append(name: name.utf8, value: value.utf8, to: &stream)
    }

    static func append(
        name: some Collection<UInt8>, value: some Collection<UInt8>, to stream: inout [UInt8]
    ) {
        append(length: name.count, to: &stream)
        append(length: value.count, to: &stream)
        stream += name
        stream += value
    }

    private static func append(length: Int, to stream: inout [UInt8]) {
        guard length > 127 else { return stream.append(UInt8(length)) }
        let length = UInt32(clamping: length) | 1 << 31
        withUnsafeBytes(of: length.bigEndian) { stream += $0 }
    }
}
