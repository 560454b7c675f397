extension RoutePath {
    /// Why a REQUEST_URI is not routed. Offsets count bytes of REQUEST_URI, after its scheme and authority where it has
    /// them.
    package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// Neither a path that begins with a slash nor an absolute URI.
        case noPath
        /// `%00`, where C code would see the end of the path.
        case encodedNull(offset: Int)
        /// A percent sign without two hexadecimal digits.
        case brokenEscape(offset: Int)
        case invalidUTF8
        /// A control character or a space that should have been written as an escape.
        case rawControlCharacter(UInt8, offset: Int)
        /// A `.` or `..` of which a dot or a slash beside it was written as an escape; `offset` is its
        /// segment's.
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
