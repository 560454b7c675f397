extension RoutePattern {
    /// What every path of a pattern begins with, as a web server sees it: without escapes.
    package struct LiteralStart: Sendable, Hashable {
        /// Whole segments; an empty one at the end stands for a trailing slash.
        package var segments: [String]
        /// Whether the pattern takes this path and no other.
        package var isWhole: Bool
        /// Whether a path may end right after the last segment though it is not the whole.
        package var mayEnd: Bool
    }

    package var literalStart: LiteralStart {
        var segments: [String] = []
        var isWhole = !takesRest
        for step in steps {
            // A web server takes an encoded slash for one that divides.
            guard let step, let text = Self.decoded(step) else {
                isWhole = false
                break
            }
            segments.append(text)
        }
        if case .regex = shape { return LiteralStart(segments: segments, isWhole: false, mayEnd: true) }
        return LiteralStart(segments: segments, isWhole: isWhole, mayEnd: false)
    }

    /// A literal without the two escapes that normalising leaves; `nil` when it holds a slash.
    private static func decoded(_ literal: [UInt8]) -> String? {
        let text = String(decoding: literal, as: UTF8.self)
        return text.contains("%2F") ? nil : text.replacing("%25", with: "%")
    }
}
