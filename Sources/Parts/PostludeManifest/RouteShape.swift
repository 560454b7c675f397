/// A route pattern's segments, as far as comparing patterns needs them.
///
/// This only chooses which patterns are worth comparing; `RoutePattern.covers` decides.
struct RouteShape {
    enum Segment: Hashable {
        /// Takes this text only.
        case literal(Substring)
        /// One parameter of a built-in type.
        case parameter
        /// Text and parameters of built-in types, without the parameters' names and types.
        case mixed(String)
        /// Whatever is left of the path, or of it from a certain text on.
        case rest
        /// Something whose paths are unknown.
        case unknown
    }

    let segments: [Segment]
    /// The pattern without its parameters' names: equal keys take equal paths.
    let key: String
    /// Whether only matching shows which paths the pattern takes.
    var hasUnknown: Bool { segments.contains(.unknown) }

    /// - Parameter pattern: such as `/items/{id:int}`.
    init(pattern: String) {
        var segments: [Segment] = []
        var key = ""
        for segment in Self.split(pattern) {
            let (kind, nameless) = Self.classify(segment)
            segments.append(kind)
            key += "/" + nameless
        }
        self.segments = segments
        // What looks like a parameter's name may be part of an expression.
        self.key = segments.contains(.unknown) ? pattern : key
    }

    /// - Parameters:
    ///   - regex: a raw regular expression, of which only the literal segments at its start are known.
    ///   - prefix: what stands in front of it.
    init(regex: String, prefix: String) {
        let literals = Self.split(prefix).map(Segment.literal)
        let path = regex.hasPrefix("^") ? regex.dropFirst() : regex[...]
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        // With an alternative somewhere, the start may be one of several.
        let isKnown = path.hasPrefix("/") && !path.contains("|")
        let start = isKnown ? parts.dropFirst().prefix { !$0.isEmpty && $0.allSatisfy(Self.isPlain) } : []
        segments = literals + start.map(Segment.literal) + [.unknown]
        key = "regex:\(regex)"
    }

    private static func isPlain(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_~".contains(character))
    }

    /// Splits at slashes, but not at those in a parameter's expression; merges slashes as paths do.
    private static func split(_ text: String) -> [Substring] {
        var depth = 0
        let parts = text.utf8.split(omittingEmptySubsequences: false) { byte in
            if byte == UInt8(ascii: "{") { depth += 1 }
            if byte == UInt8(ascii: "}") { depth -= 1 }
            return byte == UInt8(ascii: "/") && depth == 0
        }
        let segments = parts.dropFirst().map { Substring($0) }
        return segments.dropLast().filter { !$0.isEmpty } + segments.suffix(1)
    }

    private static func classify(_ segment: Substring) -> (Segment, nameless: String) {
        guard segment.utf8.contains(UInt8(ascii: "{")) else { return (.literal(segment), String(segment)) }
        var nameless = ""
        var typeless = ""
        var types: [Substring] = []
        var rest = segment
        while let open = rest.firstIndex(of: "{") {
            let (parameter, end) = parameter(in: rest, at: open)
            let type = parameter.firstIndex(of: ":").map { parameter[$0...].dropFirst() } ?? ""
            nameless += "\(rest[..<open]){:\(type)}"
            typeless += "\(rest[..<open]){}"
            types.append(type)
            rest = rest[end...]
        }
        guard let last = types.last else { return (.unknown, nameless) }
        nameless += rest
        typeless += rest
        let builtIn: Set<Substring> = ["", "int", "uuid", "slug"]
        guard types.dropLast().allSatisfy(builtIn.contains) else { return (.unknown, nameless) }
        if last == "path" { return (.rest, nameless) }
        guard builtIn.contains(last) else { return (.unknown, nameless) }
        return (typeless == "{}" ? .parameter : .mixed(typeless), nameless)
    }

    /// What stands between a brace and the one that closes it, and where that ends.
    private static func parameter(
        in text: Substring, at open: Substring.Index
    ) -> (Substring, end: Substring.Index) {
        var depth = 0
        for index in text[open...].indices {
            if text[index] == "{" { depth += 1 }
            if text[index] == "}" { depth -= 1 }
            if depth == 0 {
                return (text[text.index(after: open)..<index], text.index(after: index))
            }
        }
        return (text[open...].dropFirst(), text.endIndex)
    }
}
