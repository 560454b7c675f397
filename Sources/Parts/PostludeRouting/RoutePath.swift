/// A request's path as routes see it: REQUEST_URI normalised as nginx normalises it before it chooses a
/// `location`.
///
/// nginx guards locations by the decoded path with dot segments resolved and slashes merged. Routing on
/// anything else would let `//admin` or `/%61dmin` pass a rule that guards `/admin`.
/// Two characters stay encoded, so that the text remains unambiguous: a slash inside a segment is `%2F`
/// and a percent sign is `%25`. Nothing else in `bytes` is an escape.
package struct RoutePath: Sendable, Hashable, CustomStringConvertible {
    /// The normalised path: valid UTF-8 that begins with a slash.
    package let bytes: [UInt8]
    /// What follows the first `?`, as it came; empty when there is nothing.
    package let query: [UInt8]

    /// - Throws: the reason why no route may see this path; the answer is 400.
    package init(requestURI: UnsafeBufferPointer<UInt8>) throws(Refusal) {
        guard requestURI.first == UInt8(ascii: "/") else {
            self = try Self.absolute(requestURI)
            return
        }
        var end = requestURI.count
        var queryStart = end
        var position = 0
        scan: while position < requestURI.count {
            let byte = requestURI[position]
            // Letters and most others, in one comparison; everything special is below or above.
            if byte > UInt8(ascii: "?"), byte < 0x7F {
                position += 1
                continue
            }
            switch byte {
            case UInt8(ascii: "/"):
                let next = position + 1 < requestURI.count ? requestURI[position + 1] : 0
                if next == UInt8(ascii: "/") || next == UInt8(ascii: ".") {
                    self = try Self.normalized(requestURI)
                    return
                }
            case UInt8(ascii: "?"):
                end = position
                queryStart = position + 1
                break scan
            case UInt8(ascii: "%"), UInt8(ascii: "#"), 0...0x20, 0x7F...:
                self = try Self.normalized(requestURI)
                return
            default:
                break
            }
            position += 1
        }
        bytes = Array(requestURI[..<end])
        query = queryStart < requestURI.count ? Self.query(requestURI[queryStart...]) : []
    }

    package init(requestURI: some Collection<UInt8>) throws(Refusal) {
        let fast = requestURI.withContiguousStorageIfAvailable { bytes in
            Result { () throws(Refusal) in try RoutePath(requestURI: bytes) }
        }
        if let fast {
            self = try fast.get()
        } else {
            let copy = ContiguousArray(requestURI)
            self = try copy.withUnsafeBufferPointer { bytes throws(Refusal) in
                try RoutePath(requestURI: bytes)
            }
        }
    }

    /// Without its scheme and authority it is a path like any other, or `/` where it has none.
    private static func absolute(_ requestURI: UnsafeBufferPointer<UInt8>) throws(Refusal) -> RoutePath {
        guard let end = AbsoluteForm.authorityEnd(in: requestURI) else { throw .noPath }
        let rest = requestURI[end...]
        guard rest.first == UInt8(ascii: "/") else {
            return RoutePath(
                bytes: [UInt8(ascii: "/")],
                query: rest.first == UInt8(ascii: "?") ? query(rest.dropFirst()) : [])
        }
        return try RoutePath(requestURI: UnsafeBufferPointer(rebasing: rest))
    }

    private static func normalized(_ requestURI: UnsafeBufferPointer<UInt8>) throws(Refusal) -> RoutePath {
        var normalizer = PathNormalizer(requestURI)
        let end = try normalizer.run()
        let rest = requestURI[end...]
        return RoutePath(
            bytes: normalizer.output,
            query: rest.first == UInt8(ascii: "?") ? query(rest.dropFirst()) : [])
    }

    /// A fragment has no place in a request; nginx cuts it off, and so do we.
    private static func query(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
        Array(bytes.prefix { $0 != UInt8(ascii: "#") })
    }

    private init(bytes: [UInt8], query: [UInt8]) {
        self.bytes = bytes
        self.query = query
    }

    package var description: String { String(decoding: bytes, as: UTF8.self) }
}
