/// The text between two slashes of a pattern: nothing, a literal, parameters, or a mixture.
struct Segment: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        /// Normalised bytes; not empty.
        case literal([UInt8])
        case parameter(name: String, type: ParameterType)
    }

    /// The parts of the segment; two literals are never adjacent.
    var pieces: [Piece]

    /// The whole segment if it has no parameter; empty after a trailing slash.
    var literal: [UInt8]? {
        switch pieces.count {
        case 0: return []
        case 1:
            guard case .literal(let bytes) = pieces[0] else { return nil }
            return bytes
        default: return nil
        }
    }

    /// The type if the segment consists of a single parameter.
    var soleParameterType: ParameterType? {
        guard pieces.count == 1, case .parameter(_, let type) = pieces[0] else { return nil }
        return type
    }

    var parameterNames: [String] {
        pieces.compactMap { piece in
            guard case .parameter(let name, _) = piece else { return nil }
            return name
        }
    }

    /// Whether the segment ends in `{name:path}`, and so matches the rest of the path.
    var takesRest: Bool {
        guard case .parameter(_, .path) = pieces.last else { return false }
        return true
    }
}

/// The values that a parameter can have.
enum ParameterType: Sendable, Hashable {
    /// One segment, or a part of it.
    case any
    case int
    case slug
    case uuid
    /// The rest of the path, which may be empty.
    case path
    /// A PCRE2 expression without capturing groups.
    case expression(String)

    /// The types that a pattern can name.
    static let named: [(name: String, type: ParameterType)] = [
        ("int", .int), ("slug", .slug), ("uuid", .uuid), ("path", .path),
    ]

    /// Returns the PCRE2 expression for a value.
    ///
    /// - Parameter isAlone: whether the parameter is the whole segment, so that backtracking into it never helps.
    func expression(isAlone: Bool) -> String {
        let repeated = isAlone ? "++" : "+"
        return switch self {
        case .any: "[^/]" + repeated
        case .int: "-?[0-9]" + repeated
        case .slug: "[-a-zA-Z0-9_]" + repeated
        case .uuid: "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
        case .path: ".*+"
        case .expression(let text): text
        }
    }

    /// Whether every value of `other` is certainly a value of this type.
    func covers(_ other: ParameterType) -> Bool {
        switch (self, other) {
        case (.any, .any), (.any, .int), (.any, .slug), (.any, .uuid): true
        case (.slug, .int), (.slug, .uuid): true
        default: self == other
        }
    }

    /// Whether the bytes are certainly a value of this type.
    func covers(_ value: [UInt8]) -> Bool {
        switch self {
        case .any:
            !value.isEmpty
        case .int:
            Self.isNumber(value.first == UInt8(ascii: "-") ? value.dropFirst() : value[...])
        case .slug:
            !value.isEmpty
                && value.allSatisfy {
                    Self.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                }
        case .uuid:
            Self.isUUID(value)
        case .path, .expression:
            false
        }
    }

    private static func isNumber(_ value: ArraySlice<UInt8>) -> Bool {
        !value.isEmpty && value.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isUUID(_ value: [UInt8]) -> Bool {
        value.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false).map(\.count) == [
            8, 4, 4, 4, 12,
        ]
            && value.allSatisfy {
                $0 == UInt8(ascii: "-") || isAlphanumeric($0) && ($0 | 0x20) <= UInt8(ascii: "f")
            }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }
}
