/// Scans a JSON text (RFC 8259) in one pass.
///
/// It records the position of each value, so that a decoder creates only the values that a type needs. Foundation's parser
/// accepts trailing commas, reports no position, and takes time that grows with the square of the depth.
struct JSONScanner {
    private let bytes: [UInt8]
    private let maximumDepth: Int
    private var position = 0
    private var nodes: [JSONNode] = []

    static func nodes(
        of bytes: [UInt8], maximumDepth: Int, skipsByteOrderMark: Bool
    ) throws(JSONSyntaxError) -> [JSONNode] {
        var scanner = JSONScanner(bytes: bytes, maximumDepth: maximumDepth)
        // Nodes store positions in 32 bits.
        guard UInt32(exactly: bytes.count) != nil else { throw scanner.error(.textTooLong) }
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw JSONSyntaxError(.invalidUTF8, at: error.byteOffsets.lowerBound, in: bytes)
        }
        if skipsByteOrderMark, bytes.starts(with: [0xef, 0xbb, 0xbf]) { scanner.position = 3 }
        scanner.nodes.reserveCapacity(min(bytes.count / 8 + 1, 1024))
        try scanner.value(depth: 0)
        scanner.skipSpace()
        guard scanner.position == bytes.count else { throw scanner.error(.extraData) }
        return scanner.nodes
    }

    private init(bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func error(_ reason: JSONSyntaxError.Reason, at position: Int? = nil) -> JSONSyntaxError {
        JSONSyntaxError(reason, at: position ?? self.position, in: bytes)
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    /// Adds a node without elements or members.
    private mutating func append(
        _ kind: JSONNode.Kind, from start: Int, to end: Int, hasEscapes: Bool = false
    ) {
        nodes.append(
            JSONNode(
                kind: kind, hasEscapes: hasEscapes, start: UInt32(truncatingIfNeeded: start),
                end: UInt32(truncatingIfNeeded: end), next: UInt32(truncatingIfNeeded: nodes.count + 1)))
    }

    // MARK: Values

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

    /// Scans an array or an object.
    private mutating func group(_ kind: JSONNode.Kind, depth: Int) throws(JSONSyntaxError) {
        guard depth < maximumDepth else { throw error(.nestedTooDeeply) }
        let index = nodes.count
        append(kind, from: position, to: position)
        position += 1
        let end: Unicode.Scalar = kind == .object ? "}" : "]"
        skipSpace()
        if !take(end) {
            repeat {
                if kind == .object { try name() }
                try value(depth: depth + 1)
                skipSpace()
            } while take(",")
            guard take(end) else {
                throw error(kind == .object ? .expectedCommaOrBrace : .expectedCommaOrBracket)
            }
        }
        nodes[index].end = UInt32(truncatingIfNeeded: position)
        nodes[index].next = UInt32(truncatingIfNeeded: nodes.count)
    }

    /// Scans the name of a member, and its colon.
    private mutating func name() throws(JSONSyntaxError) {
        skipSpace()
        guard next == UInt8(ascii: "\"") else { throw error(.expectedName) }
        try string()
        skipSpace()
        guard take(":") else { throw error(.expectedColon) }
    }

    private mutating func word(_ word: StaticString, _ kind: JSONNode.Kind) throws(JSONSyntaxError) {
        let start = position
        let length = word.utf8CodeUnitCount
        let expected = UnsafeBufferPointer(start: word.utf8Start, count: length)
        guard bytes[position...].starts(with: expected) else { throw error(.expectedValue) }
        position += length
        append(kind, from: start, to: position)
    }

    // MARK: Numbers

    /// Scans a number such as `-0.5e+10`: no leading zeros, no plus sign, and digits on both sides of a point.
    private mutating func number() throws(JSONSyntaxError) {
        let start = position
        _ = take("-")
        guard take("0") || digits() else { throw error(.expectedValue, at: start) }
        if take(".") {
            guard digits() else { throw error(.expectedDigitsInFraction) }
        }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            guard digits() else { throw error(.expectedDigitsInExponent) }
        }
        append(.number, from: start, to: position)
    }

    /// - Returns: whether there is at least one digit.
    private mutating func digits() -> Bool {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position > start
    }

    // MARK: Strings

    private mutating func string() throws(JSONSyntaxError) {
        let quote = position
        position += 1
        var hasEscapes = false
        while true {
            position = endOfPlainCharacters()
            guard let byte = next else { break }
            switch byte {
            case UInt8(ascii: "\""):
                append(.string, from: quote + 1, to: position, hasEscapes: hasEscapes)
                position += 1
                return
            case UInt8(ascii: "\\"):
                hasEscapes = true
                let start = position
                guard JSONEscape.scalar(in: bytes, at: &position) != nil else {
                    throw error(.invalidEscape, at: start)
                }
            default: throw error(.controlCharacter)
            }
        }
        throw error(.unterminatedString, at: quote)
    }

    /// Returns the position of the next byte of a string that does not stand for itself: a quote, a backslash, a control
    /// character, or the text's end. Most of a text's bytes are read here.
    private func endOfPlainCharacters() -> Int {
        let text = bytes.span
        var end = position
        while end < text.count {
            let byte = text[end]
            guard byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { break }
            end += 1
        }
        return end
    }
}
