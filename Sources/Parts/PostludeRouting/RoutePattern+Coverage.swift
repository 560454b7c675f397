extension RoutePattern {
    /// Whether this pattern certainly matches every path that `later` matches.
    ///
    /// Decided for literals and built-in types. An application's own expression covers only itself.
    package func covers(_ later: RoutePattern) -> Bool {
        if mount == later.mount, standsAlone == later.standsAlone, standsAlone, text == later.text {
            return true
        }
        guard case .segments(let segments) = shape else { return false }
        switch later.shape {
        case .regex:
            return Self.cover(segments, anythingBehind: later.steps.compactMap { $0 })
        case .segments(let others):
            return Self.cover(segments, others)
        }
    }

    private static func cover(_ segments: [Segment], _ later: [Segment]) -> Bool {
        guard let last = segments.last else { return false }
        guard last.takesRest else {
            return segments.count == later.count && zip(segments, later).allSatisfy { $0.covers($1) }
        }
        let fixed = segments.dropLast()
        guard later.count > fixed.count, zip(fixed, later).allSatisfy({ $0.covers($1) }) else { return false }
        return last.pieces.count == 1 || last.coversStart(of: later[fixed.count])
    }

    /// Whether the segments cover every path that begins with `literals`, whatever follows.
    private static func cover(_ segments: [Segment], anythingBehind literals: [[UInt8]]) -> Bool {
        guard let last = segments.last, last.takesRest, last.pieces.count == 1 else { return false }
        let fixed = segments.dropLast()
        return fixed.count <= literals.count
            && zip(fixed, literals).allSatisfy { $0.covers(Segment(pieces: [.literal($1)])) }
    }
}

extension Segment {
    /// Whether this segment certainly matches every text of `later`. False if `later` takes the rest of the path.
    fileprivate func covers(_ later: Segment) -> Bool {
        guard !later.takesRest else { return false }
        if let literal = later.literal {
            if let own = self.literal { return own == literal }
            return soleParameterType?.covers(literal) ?? false
        }
        if soleParameterType == .any { return later.isNeverEmpty }
        return pieces.count == later.pieces.count && zip(pieces, later.pieces).allSatisfy { $0.covers($1) }
    }

    /// Whether this segment, which ends in `{name:path}` after other pieces, certainly matches every path that `later`
    /// matches with the segments after it.
    fileprivate func coversStart(of later: Segment) -> Bool {
        let own = pieces.dropLast()
        if own.count == 1, case .literal(let start) = own[0] {
            guard case .literal(let bytes) = later.pieces.first else { return false }
            return bytes.starts(with: start)
        }
        return later.pieces.count >= own.count && zip(own, later.pieces).allSatisfy { $0.covers($1) }
            && later.takesRest && later.pieces.count == pieces.count
    }

    /// Whether the segment never matches an empty text. An application's own expression may.
    private var isNeverEmpty: Bool {
        pieces.contains { piece in
            switch piece {
            case .literal, .parameter(_, .any), .parameter(_, .int), .parameter(_, .slug),
                .parameter(_, .uuid):
                true
            case .parameter(_, .path), .parameter(_, .expression): false
            }
        }
    }
}

extension Segment.Piece {
    fileprivate func covers(_ later: Segment.Piece) -> Bool {
        switch (self, later) {
        case (.literal(let own), .literal(let other)): own == other
        case (.parameter(_, let own), .parameter(_, let other)): own.covers(other)
        case (.parameter(_, let own), .literal(let bytes)): own.covers(bytes)
        default: false
        }
    }
}
