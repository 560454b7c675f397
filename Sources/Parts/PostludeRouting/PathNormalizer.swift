/// Normalises a REQUEST_URI that holds something to normalise: the slow path of `RoutePath`.
struct PathNormalizer {
    /// The segments so far, each with the slash before it.
    private(set) var output: [UInt8] = []
    private let input: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var isASCII = true

    init(_ input: UnsafeBufferPointer<UInt8>) {
        self.input = input
        output.reserveCapacity(input.count)
    }

    /// Returns the offset of the `?` or `#` that ends the path, or the input's count.
    mutating func run() throws(RoutePath.Refusal) -> Int {
        while position < input.count, input[position] == UInt8(ascii: "/") {
            while position < input.count, input[position] == UInt8(ascii: "/") {
                position += 1
            }
            try takeSegment()
        }
        if !isASCII {
            do {
                _ = try UTF8Span(validating: output.span)
            } catch {
                throw .invalidUTF8
            }
        }
        return position
    }

    /// Reads one segment, which may be empty at the end, and appends it; the position is after its slash.
    private mutating func takeSegment() throws(RoutePath.Refusal) {
        let start = position
        let outputStart = output.count
        var hasEscape = false
        output.append(UInt8(ascii: "/"))
        segment: while position < input.count {
            let byte = input[position]
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"):
                break segment
            case UInt8(ascii: "%"):
                hasEscape = true
                try takeEscape()
                continue
            case 0...0x20, 0x7F:
                throw .rawControlCharacter(byte, offset: position)
            case 0x80...:
                isASCII = false
            default:
                break
            }
            output.append(byte)
            position += 1
        }
        let segment = output[(outputStart + 1)...]
        if hasEscape {
            if DotSegment.isHidden(in: segment) { throw .encodedDotSegment(offset: start) }
        } else if let dots = DotSegment(segment) {
            output.removeSubrange(outputStart...)
            if dots == .parent {
                guard let parent = output.lastIndex(of: UInt8(ascii: "/")) else {
                    throw .aboveRoot(offset: start)
                }
                output.removeSubrange(parent...)
            }
            // At the end a dot segment names a folder: `/a/.` is `/a/`.
            if position == input.count || input[position] != UInt8(ascii: "/") {
                output.append(UInt8(ascii: "/"))
            }
        }
    }

    private mutating func takeEscape() throws(RoutePath.Refusal) {
        guard let byte = PercentEscape.byte(in: input, at: position) else {
            throw .brokenEscape(offset: position)
        }
        guard byte != 0 else { throw .encodedNull(offset: position) }
        if byte >= 0x80 { isASCII = false }
        PercentEscape.appendNormalized(byte, to: &output)
        position += 3
    }
}
