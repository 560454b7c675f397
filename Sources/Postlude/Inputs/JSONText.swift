/// A JSON text (RFC 8259), read in one pass.
///
/// A `Decoder` answers "which kind of value is this?" with errors only, and Foundation's cost grows with the square
/// of the depth: a kilobyte of brackets would hold a worker for a second.
struct JSONText {
    /// As deep as Foundation's decoder goes.
    private static let maximumDepth = 512

    let bytes: [UInt8]
    var position = 0

    /// - Returns: nil when the text is malformed, nested too deeply, or has a number beyond Double's range.
    static func value(of bytes: [UInt8]) -> JSON? {
        var text = JSONText(bytes: bytes)
        // A byte order mark may be ignored (8.1), and Foundation does.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { text.position = 3 }
        guard let value = text.value(depth: 0) else { return nil }
        text.skipSpace()
        return text.position == bytes.count ? value : nil
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func take(word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        let word = UnsafeBufferPointer(start: word.utf8Start, count: length)
        guard bytes[position...].starts(with: word) else { return false }
        position += length
        return true
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func value(depth: Int) -> JSON? {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return depth < Self.maximumDepth ? object(depth: depth) : nil
        case UInt8(ascii: "["): return depth < Self.maximumDepth ? array(depth: depth) : nil
        case UInt8(ascii: "\""): return string().map(JSON.string)
        case UInt8(ascii: "t"): return take(word: "true") ? .bool(true) : nil
        case UInt8(ascii: "f"): return take(word: "false") ? .bool(false) : nil
        case UInt8(ascii: "n"): return take(word: "null") ? .null : nil
        default: return number()
        }
    }

    private mutating func array(depth: Int) -> JSON? {
        position += 1
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return .array([]) }
        repeat {
            guard let element = value(depth: depth + 1) else { return nil }
            elements.append(element)
            skipSpace()
        } while take(",")
        return take("]") ? .array(elements) : nil
    }

    private mutating func object(depth: Int) -> JSON? {
        position += 1
        var members: [String: JSON] = [:]
        skipSpace()
        if take("}") { return .object([:]) }
        repeat {
            skipSpace()
            guard let key = string() else { return nil }
            skipSpace()
            guard take(":"), let member = value(depth: depth + 1) else { return nil }
            // Of members with one key the first counts, as for Foundation's decoder: both see the same body.
            if members[key] == nil { members[key] = member }
            skipSpace()
        } while take(",")
        return take("}") ? .object(members) : nil
    }
}
