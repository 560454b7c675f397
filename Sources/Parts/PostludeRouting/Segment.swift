/// What stands between two slashes of a pattern: nothing, a literal, parameters, or a mixture.
struct Segment: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        /// Normalised; not empty.
        case literal([UInt8])
        case parameter(name: String, type: ParameterType)
    }

    /// Two literals are never neighbours.
    var pieces: [Piece]

    /// The whole segment when it has no parameter; empty after a trailing slash.
    var literal: [UInt8]? {
        switch pieces.count {
        case 0: return []
        case 1:
            guard case .literal(let bytes) = pieces[0] else { return nil }
            return bytes
        default: return nil
        }
    }

    /// The type when the segment is one parameter and nothing else.
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

    /// Whether the segment ends in `{name:path}`, and so takes the rest of the path.
    var takesRest: Bool {
        guard case .parameter(_, .path) = pieces.last else { return false }
        return true
    }
}
