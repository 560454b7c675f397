/// Parses a pattern such as `/process/{item_id:int}` into segments.
struct PatternParser {
    typealias SyntaxError = RoutePattern.SyntaxError

    private let text: [Unicode.Scalar]
    private var position = 0
    private var segments: [Segment] = []
    private var current = Segment(pieces: [])
    private var literal: [UInt8] = []
    private var literalStart = 0
    private var names: Set<String> = []
    /// The position of the first parameter with its own expression.
    private var firstExpression: Int?

    init(_ text: String) {
        self.text = Array(text.unicodeScalars)
    }

    mutating func parse() throws(SyntaxError) -> [Segment] {
        guard let first = text.first else {
            throw error(at: 0, "found an empty pattern; expected a path such as /items/{id}")
        }
        guard first == "/" else {
            throw error(at: 0, "found `\(first)`; expected a slash: every path begins with one")
        }
        position = 1
        while position < text.count {
            switch text[position] {
            case "/":
                try finishLiteral()
                // Adjacent slashes are merged, as in paths.
                if !current.pieces.isEmpty { finishSegment() }
                position += 1
            case "{":
                try finishLiteral()
                try takeParameter()
            default:
                try takeLiteralCharacter()
            }
        }
        try finishLiteral()
        finishSegment()
        return segments
    }

    private mutating func finishSegment() {
        segments.append(current)
        current = Segment(pieces: [])
    }

    private mutating func finishLiteral() throws(SyntaxError) {
        guard !literal.isEmpty else { return }
        do {
            _ = try UTF8Span(validating: literal.span)
        } catch {
            throw self.error(
                at: literalStart, "found escapes that are not valid UTF-8; expected a character's UTF-8 bytes"
            )
        }
        let endsSegment = position == text.count || text[position] == "/"
        if current.pieces.isEmpty, endsSegment, DotSegment.isHidden(in: literal[...]) {
            throw error(
                at: literalStart,
                "found a dot segment; expected a path without dot segments, which are resolved or refused before it is matched"
            )
        }
        current.pieces.append(.literal(literal))
        literal = []
    }

    private mutating func takeLiteralCharacter() throws(SyntaxError) {
        if literal.isEmpty { literalStart = position }
        let character = text[position]
        switch character {
        case "%":
            try takeEscape()
            return
        case "}":
            throw error(at: position, "found `}` without a `{` before it; expected %7D for a literal brace")
        case "?":
            throw error(
                at: position,
                "found `?`; expected the path alone, without a query (%3F for a literal question mark)")
        case "#":
            throw error(
                at: position,
                "found `#`; expected the path alone, without a fragment (%23 for a literal number sign)")
        case " ":
            throw error(at: position, "found a space; expected %20")
        case "\0"..." ", "\u{7F}":
            throw error(
                at: position,
                "found the control character U+\(String(character.value, radix: 16)); expected an escape")
        default:
            literal += Array(String(character).utf8)
            position += 1
        }
    }

    private mutating func takeEscape() throws(SyntaxError) {
        let bytes = text[position...].prefix(3).map { UInt8(exactly: $0.value) ?? 0 }
        guard let byte = PercentEscape.byte(in: bytes, at: 0) else {
            throw error(
                at: position,
                "found `%` without two hexadecimal digits; expected %25 for a literal percent sign")
        }
        guard byte != 0 else {
            throw error(at: position, "found %00; expected no null: a path with one is always refused")
        }
        PercentEscape.appendNormalized(byte, to: &literal)
        position += 3
    }

    private mutating func takeParameter() throws(SyntaxError) {
        let start = position
        guard let end = ExpressionScanner.closingBrace(in: text, ofBraceAt: start) else {
            throw error(
                at: start,
                "found no `}` that closes this parameter; expected one outside […], without a backslash"
            )
        }
        let colon = text[start..<end].firstIndex(of: ":") ?? end
        let name = try parameterName(in: (start + 1)..<colon)
        let type = colon == end ? .any : try parameterType(in: (colon + 1)..<end)
        position = end + 1
        if case .expression = type { firstExpression = firstExpression ?? start }
        if type == .path {
            if position < text.count {
                throw error(
                    at: position,
                    "found `\(text[position])` after a parameter of type path; expected the parameter at the end"
                )
            }
            if let firstExpression {
                throw error(
                    at: firstExpression,
                    "found a parameter's own expression before one of type path, where it may match slashes; "
                        + "expected the whole pattern as `regex:`")
            }
        }
        current.pieces.append(.parameter(name: name, type: type))
    }

    private mutating func parameterName(in range: Range<Int>) throws(SyntaxError) -> String {
        guard !range.isEmpty else {
            throw error(at: range.lowerBound, "found a parameter without a name; expected one such as {id}")
        }
        for index in range {
            switch text[index] {
            case "a"..."z", "A"..."Z", "_":
                continue
            case "0"..."9" where index > range.lowerBound:
                continue
            default:
                throw error(
                    at: index,
                    "found `\(text[index])` in a parameter's name; expected letters, digits and `_`, "
                        + "a letter or `_` first")
            }
        }
        let name = string(range)
        guard names.insert(name).inserted else {
            throw error(
                at: range.lowerBound, "found the name `\(name)` a second time; expected each name once")
        }
        return name
    }

    private func parameterType(in range: Range<Int>) throws(SyntaxError) -> ParameterType {
        let written = string(range)
        let names = ParameterType.named.map(\.name)
        if let named = ParameterType.named.first(where: { $0.name == written }) { return named.type }
        // An expression that consists of letters would match only that word, for which there are literals.
        if text[range].allSatisfy({ $0.properties.isAlphabetic }) {
            let meant = nearest(to: written, in: names).map { " (nearest: \($0))" } ?? ""
            let found = range.isEmpty ? "no type after the colon" : "the unknown type `\(written)`\(meant)"
            throw error(
                at: range.lowerBound,
                "found \(found); expected \(names.joined(separator: ", ")), "
                    + "or an expression that is more than a word")
        }
        return .expression(try ExpressionScanner.checkedExpression(in: text, range))
    }

    private func string(_ range: Range<Int>) -> String {
        var scalars = String.UnicodeScalarView()
        scalars.append(contentsOf: text[range])
        return String(scalars)
    }

    private func error(at offset: Int, _ message: String) -> SyntaxError {
        SyntaxError(in: text, at: offset, message)
    }
}
