/// A request's path for routing: REQUEST_URI normalised as nginx normalises it before it selects a `location`.
///
/// nginx protects locations by the decoded path, with dot segments resolved and slashes merged. If other text were
/// routed, `//admin` or `/%61dmin` could bypass a rule that protects `/admin`. Two characters stay encoded, so that the
/// text is unambiguous: a slash inside a segment is `%2F`, and a percent sign is `%25`. `bytes` contains no other
/// escapes.
package struct RoutePath: Sendable, Hashable, CustomStringConvertible {
    /// The normalised path: valid UTF-8 that begins with a slash. A path that is normal already shares the memory of the
    /// REQUEST_URI.
    package let bytes: ArraySlice<UInt8>
    /// The text after the first `?`, as received; empty if there is none.
    package let query: ArraySlice<UInt8>

    /// Normalises a REQUEST_URI.
    ///
    /// - Throws: the reason why the path is not routed; the answer is 400.
    package init(requestURI: ArraySlice<UInt8>) throws(Refusal) {
        guard requestURI.first == UInt8(ascii: "/") else {
            self = try Self.absolute(requestURI)
            return
        }
        guard let length = requestURI.withUnsafeBufferPointer(Self.normalLength) else {
            self = try Self.normalized(requestURI)
            return
        }
        let rest = requestURI.dropFirst(length)
        self.init(bytes: requestURI[..<rest.startIndex], rest: rest)
    }

    package init(requestURI: some Collection<UInt8>) throws(Refusal) {
        try self.init(requestURI: ArraySlice(requestURI))
    }

    /// Returns the length of the path in a REQUEST_URI that begins with a slash; nil if the path is not normal.
    private static func normalLength(in requestURI: UnsafeBufferPointer<UInt8>) -> Int? {
        var position = 0
        while position < requestURI.count {
            let byte = requestURI[position]
            // One comparison for letters and most other characters; all special ones are below or above.
            if byte > UInt8(ascii: "?"), byte < 0x7F {
                position += 1
                continue
            }
            switch byte {
            case UInt8(ascii: "/"):
                let next = position + 1 < requestURI.count ? requestURI[position + 1] : 0
                if next == UInt8(ascii: "/") || next == UInt8(ascii: ".") { return nil }
            case UInt8(ascii: "?"): return position
            case UInt8(ascii: "%"), UInt8(ascii: "#"), 0...0x20, 0x7F...: return nil
            default: break
            }
            position += 1
        }
        return position
    }

    /// Returns the path of an absolute URI, without scheme and authority; `/` if the URI has no path.
    private static func absolute(_ requestURI: ArraySlice<UInt8>) throws(Refusal) -> RoutePath {
        guard let length = AbsoluteForm.authorityEnd(in: requestURI) else { throw .noPath }
        let rest = requestURI.dropFirst(length)
        guard rest.first == UInt8(ascii: "/") else {
            return RoutePath(bytes: [UInt8(ascii: "/")], rest: rest)
        }
        return try RoutePath(requestURI: rest)
    }

    private static func normalized(_ requestURI: ArraySlice<UInt8>) throws(Refusal) -> RoutePath {
        let (path, length) = try requestURI.withUnsafeBufferPointer { bytes throws(Refusal) in
            var normalizer = PathNormalizer(bytes)
            let length = try normalizer.run()
            return (normalizer.output, length)
        }
        return RoutePath(bytes: path[...], rest: requestURI.dropFirst(length))
    }

    /// - Parameter rest: what follows the path. Its query ends at a fragment, which a request should not have; nginx cuts it
    ///   off, too.
    private init(bytes: ArraySlice<UInt8>, rest: ArraySlice<UInt8>) {
        self.bytes = bytes
        query =
            rest.first == UInt8(ascii: "?") ? rest.dropFirst().prefix { $0 != UInt8(ascii: "#") } : []
    }

    package var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension RoutePath {
    /// Why a REQUEST_URI is not routed. Offsets count bytes of REQUEST_URI, after its scheme and authority if it has
    /// them.
    package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// Neither a path that begins with a slash nor an absolute URI.
        case noPath
        /// `%00`, which C code would take for the end of the path.
        case encodedNull(offset: Int)
        /// A percent sign without two hexadecimal digits.
        case brokenEscape(offset: Int)
        case invalidUTF8
        /// A control character or a space that should have been written as an escape.
        case rawControlCharacter(UInt8, offset: Int)
        /// A `.` or `..` that was written with an escaped dot, or beside an escaped slash; `offset` is that of the
        /// segment.
        case encodedDotSegment(offset: Int)
        /// A `..` that leads above the root.
        case aboveRoot(offset: Int)

        package var description: String {
            switch self {
            case .noPath:
                "the target is neither a path that begins with a slash nor an absolute URI"
            case .encodedNull(let offset):
                "%00 in the path at byte \(offset)"
            case .brokenEscape(let offset):
                "a percent sign without two hexadecimal digits in the path at byte \(offset)"
            case .invalidUTF8:
                "the path is not valid UTF-8 when its escapes are decoded"
            case .rawControlCharacter(let byte, let offset):
                "a raw control character or space (byte \(byte)) in the path at byte \(offset)"
            case .encodedDotSegment(let offset):
                "an encoded dot segment in the path at byte \(offset)"
            case .aboveRoot(let offset):
                "a dot segment that leads above the root in the path at byte \(offset)"
            }
        }
    }
}

/// Normalises a REQUEST_URI that is not normalised already: the slow path of `RoutePath`.
private struct PathNormalizer {
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

    /// Reads one segment, which may be empty at the end, and appends it. The position must be after its slash.
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
            // At the end, a dot segment stands for a directory: `/a/.` is `/a/`.
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

/// The absolute form of a request target, `http://host/path?query`, which a server must accept (RFC 9112, 3.2.2).
///
/// Some web servers pass it on in REQUEST_URI. Only the path and the query are routed and logged.
package enum AbsoluteForm {
    /// Returns the length of scheme and authority in bytes; nil for a target in another form.
    fileprivate static func authorityEnd(in target: some RandomAccessCollection<UInt8>) -> Int? {
        guard let first = target.first, isLetter(first) else { return nil }
        let scheme = target.prefix { isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) }
        let rest = target.dropFirst(scheme.count)
        guard rest.starts(with: "://".utf8) else { return nil }
        let authority = rest.dropFirst(3).prefix { !"/?#".utf8.contains($0) }
        guard !authority.isEmpty, authority.allSatisfy(isOfAuthority) else { return nil }
        return scheme.count + 3 + authority.count
    }

    /// Returns the target without scheme and authority. A target in another form is unchanged.
    package static func originForm(of target: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard target.first != UInt8(ascii: "/"), let end = authorityEnd(in: target) else { return target }
        let rest = target.dropFirst(end)
        return rest.first == UInt8(ascii: "/") ? rest : [UInt8(ascii: "/")] + rest
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Whether the byte may be part of an authority (RFC 3986, 3.2); others, such as a space or a backslash, are
    /// refused.
    private static func isOfAuthority(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || "-._~!$&'()*+,;=:@[]%".utf8.contains(byte)
    }
}
