/// Reads a JSON text (RFC 8259) in one pass.
///
/// It makes no values: where each one stands is enough to decode those that a type asks for. Foundation's reader would
/// take more than JSON (trailing commas), tell no position, and need time that grows with the square of the depth.
struct JSONText {
    /// A little less than Foundation's encoder writes (511), so that what was read can be answered, also within something.
    static let maximumDepth = 500

    let bytes: [UInt8]
    var position = 0
    private var nodes: [JSONNode] = []

    /// Returns the value of a JSON text; nil if it is malformed, or has a number out of the range of `Double`.
    static func value(of bytes: [UInt8]) -> JSONValue? {
        guard let document = try? read(bytes) else { return nil }
        return try? document.value(at: 0)
    }

    static func read(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONDocument {
        var text = JSONText(bytes: bytes)
        // Nodes count in 32 bits.
        guard UInt32(exactly: bytes.count) != nil else { throw text.error("Text too long") }
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw JSONSyntaxError("Invalid UTF-8", at: error.byteOffsets.lowerBound, in: bytes)
        }
        // A byte order mark may be ignored (8.1), and Foundation does.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { text.position = 3 }
        text.nodes.reserveCapacity(min(bytes.count / 8 + 1, 1024))
        try text.value(depth: 0)
        text.skipSpace()
        guard text.position == bytes.count else { throw text.error("Extra data") }
        return JSONDocument(bytes: bytes, nodes: text.nodes)
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    func error(_ reason: String, at position: Int? = nil) -> JSONSyntaxError {
        JSONSyntaxError(reason, at: position ?? self.position, in: bytes)
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func word(_ word: StaticString, _ kind: JSONNode.Kind) throws(JSONSyntaxError) {
        let start = position
        let length = word.utf8CodeUnitCount
        let expected = UnsafeBufferPointer(start: word.utf8Start, count: length)
        guard bytes[position...].starts(with: expected) else { throw error("Expecting value") }
        position += length
        append(kind, from: start, to: position)
    }

    /// Adds a value that does not contain other values.
    mutating func append(_ kind: JSONNode.Kind, from start: Int, to end: Int, hasEscapes: Bool = false) {
        nodes.append(
            JSONNode(
                kind: kind, hasEscapes: hasEscapes, start: UInt32(truncatingIfNeeded: start),
                end: UInt32(truncatingIfNeeded: end), next: UInt32(truncatingIfNeeded: nodes.count + 1)))
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func value(depth: Int) throws(JSONSyntaxError) {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): try group(.object, depth: depth)
        case UInt8(ascii: "["): try group(.array, depth: depth)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try word("true", .true)
        case UInt8(ascii: "f"): try word("false", .false)
        case UInt8(ascii: "n"): try word("null", .null)
        default: try number()
        }
    }

    /// Reads an array or an object.
    private mutating func group(_ kind: JSONNode.Kind, depth: Int) throws(JSONSyntaxError) {
        guard depth < Self.maximumDepth else { throw error("Nested too deeply") }
        let index = nodes.count
        append(kind, from: position, to: position)
        position += 1
        let end: Unicode.Scalar = kind == .object ? "}" : "]"
        skipSpace()
        if !take(end) {
            repeat {
                if kind == .object { try key() }
                try value(depth: depth + 1)
                skipSpace()
            } while take(",")
            guard take(end) else { throw error("Expecting ',' delimiter") }
        }
        nodes[index].end = UInt32(truncatingIfNeeded: position)
        nodes[index].next = UInt32(truncatingIfNeeded: nodes.count)
    }

    private mutating func key() throws(JSONSyntaxError) {
        skipSpace()
        guard next == UInt8(ascii: "\"") else {
            throw error("Expecting property name enclosed in double quotes")
        }
        try string()
        skipSpace()
        guard take(":") else { throw error("Expecting ':' delimiter") }
    }
}
