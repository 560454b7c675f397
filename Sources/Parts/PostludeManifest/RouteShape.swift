/// The segments of a route pattern, simplified for comparing patterns.
///
/// It selects the patterns that `RoutePattern.covers` then compares.
struct RouteShape {
    enum Segment: Hashable {
        /// This text.
        case literal(Substring)
        /// One parameter of a built-in type.
        case parameter
        /// A segment of text and parameters of built-in types, without the parameters' names and types.
        case mixed(String)
        /// The rest of the path, or the rest after some text.
        case rest
        /// A segment with a regular expression: the paths that it matches are unknown.
        case unknown
    }

    let segments: [Segment]
    /// The pattern without its parameters' names. Patterns with equal keys match the same paths.
    let key: String
    /// Whether the paths that the pattern matches are found only by matching.
    var hasUnknown: Bool { segments.contains(.unknown) }

    /// - Parameter pattern: a pattern such as `/items/{id:int}`.
    init(pattern: String) {
        var segments: [Segment] = []
        var key = ""
        for segment in Self.split(pattern) {
            let (kind, nameless) = Self.classify(segment)
            segments.append(kind)
            key += "/" + nameless
        }
        self.segments = segments
        // In a regular expression, text that looks like a parameter's name may be something else.
        self.key = segments.contains(.unknown) ? pattern : key
    }

    /// - Parameters:
    ///   - regex: a raw regular expression. Only the literal segments at its start are known.
    ///   - prefix: the prefix of the manifest and of the route's groups.
    init(regex: String, prefix: String) {
        let literals = Self.split(prefix).map(Segment.literal)
        let path = regex.hasPrefix("^") ? regex.dropFirst() : regex[...]
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        // With `|`, the expression may have several starts.
        let isKnown = path.hasPrefix("/") && !path.contains("|")
        let start = isKnown ? parts.dropFirst().prefix { !$0.isEmpty && $0.allSatisfy(Self.isPlain) } : []
        segments = literals + start.map(Segment.literal) + [.unknown]
        key = "regex:\(regex)"
    }

    private static func isPlain(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_~".contains(character))
    }

    /// Splits a pattern at its slashes, except those in a parameter's expression. Consecutive slashes count as one.
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

    /// Returns the text between a brace and its closing brace, and the index after that.
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
