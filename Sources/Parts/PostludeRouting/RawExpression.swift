internal import PostludePCRE

/// A PCRE2 pattern for the whole path, which an application uses as a route.
enum RawExpression {
    typealias SyntaxError = RoutePattern.SyntaxError

    static func shape(of regex: String) throws(SyntaxError) -> RoutePattern.Shape {
        let text = Array(regex.unicodeScalars)
        guard !text.isEmpty else {
            throw SyntaxError(
                offset: 0, message: "found an empty expression; expected one such as ^/items/(?<id>\\d+)$")
        }
        let compiled: CompiledPattern
        do {
            compiled = try CompiledPattern(regex, options: ExpressionScanner.options)
        } catch {
            let before = String(decoding: Array(regex.utf8.prefix(error.offset)), as: UTF8.self)
            throw SyntaxError(
                in: text, at: before.unicodeScalars.count,
                "found an expression that PCRE2 refuses: \(error.message); expected a PCRE2 expression")
        }
        var names: Set<String> = []
        for (name, _) in compiled.namedGroups where !names.insert(name).inserted {
            throw SyntaxError(
                offset: 0, message: "found two groups with the name `\(name)`; expected each name once")
        }
        let start = text.first == "^" ? 1 : 0
        // A common mistake: in other routers, paths have no first slash.
        if start < text.count, isLetterOrDigit(text[start]),
            start + 1 == text.count || !isQuantifier(text[start + 1])
        {
            throw SyntaxError(
                in: text, at: start,
                "found `\(text[start])`; expected a slash: the expression is matched against the whole path")
        }
        return .regex(
            literals: literalSegments(in: text, from: start),
            captures: compiled.namedGroups.map { RoutePattern.Capture(name: $0.name, group: $0.number) })
    }

    /// Returns the whole segments with which every match certainly begins. They determine the route's node in the index.
    private static func literalSegments(in text: [Unicode.Scalar], from start: Int) -> [[UInt8]] {
        // An alternative at any depth could be one of the whole expression, so the text is searched for `|` without
        // parsing.
        guard !text.contains("|") else { return [] }
        var segments: [[UInt8]] = []
        var current: [UInt8] = []
        var position = start
        guard position < text.count, text[position] == "/" else { return [] }
        position += 1
        while position < text.count {
            var character = text[position]
            var next = position + 1
            if character == "\\", next < text.count, text[next].isASCII, !isLetterOrDigit(text[next]) {
                character = text[next]
                next += 1
            } else if !(isLetterOrDigit(character) || ["/", "-", "_", "~", "%"].contains(character)) {
                break
            }
            if next < text.count, isQuantifier(text[next]) { break }
            if character == "/" {
                if current.isEmpty { break }
                segments.append(current)
                current = []
            } else {
                current += Array(String(character).utf8)
            }
            position = next
        }
        return segments
    }

    private static func isLetterOrDigit(_ character: Unicode.Scalar) -> Bool {
        switch character {
        case "a"..."z", "A"..."Z", "0"..."9": true
        default: false
        }
    }

    private static func isQuantifier(_ character: Unicode.Scalar) -> Bool {
        ["?", "*", "+", "{"].contains(character)
    }
}
