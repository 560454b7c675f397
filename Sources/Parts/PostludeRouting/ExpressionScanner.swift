internal import PostludePCRE

/// Scans PCRE2 expressions in a parameter's braces, as far as escapes, classes and brackets.
enum ExpressionScanner {
    typealias SyntaxError = RoutePattern.SyntaxError

    /// The options with which expressions are compiled, alone and within the alternation of a node.
    static let options: CompiledPattern.Options = [
        .utf, .dotAll, .dollarEndOnly, .anchored, .endAnchored, .neverBackslashC,
    ]

    /// Returns the position of the brace that closes the one at `start`; nil if there is none.
    static func closingBrace(in text: [Unicode.Scalar], ofBraceAt start: Int) -> Int? {
        var depth = 0
        var position = start
        while position < text.count {
            switch text[position] {
            case "\\", "[":
                position = endOfUnit(in: text, at: position)
                continue
            case "{":
                depth += 1
            case "}":
                depth -= 1
                if depth == 0 { return position }
            default:
                break
            }
            position += 1
        }
        return nil
    }

    /// Returns the position after an escape sequence, a bracketed class, or one other character.
    static func endOfUnit(in text: [Unicode.Scalar], at position: Int) -> Int {
        switch text[position] {
        case "\\":
            guard position + 1 < text.count, text[position + 1] == "Q" else {
                return min(position + 2, text.count)
            }
            return index(of: "\\E", in: text, from: position + 2).map { $0 + 2 } ?? text.count
        case "[":
            return endOfClass(in: text, at: position)
        default:
            return position + 1
        }
    }

    private static func endOfClass(in text: [Unicode.Scalar], at start: Int) -> Int {
        var position = start + 1
        if position < text.count, text[position] == "^" { position += 1 }
        // A closing bracket that comes first is a member of the class.
        if position < text.count, text[position] == "]" { position += 1 }
        while position < text.count, text[position] != "]" {
            if text[position] == "\\" {
                position = endOfUnit(in: text, at: position)
            } else if text[position...].starts(with: ["[", ":"]),
                let end = index(of: ":]", in: text, from: position + 2)
            {
                position = end + 2
            } else {
                position += 1
            }
        }
        return min(position + 1, text.count)
    }

    private static func index(of needle: String, in text: [Unicode.Scalar], from start: Int) -> Int? {
        guard start <= text.count else { return nil }
        return text.indices[start...].first { text[$0...].starts(with: needle.unicodeScalars) }
    }

    /// Checks an expression, and makes its plain groups non-capturing, so that it can be part of an alternation.
    static func checkedExpression(
        in text: [Unicode.Scalar], _ range: Range<Int>
    ) throws(SyntaxError) -> String {
        try refuseWhatReachesOutside(text, range)
        let written = string(text[range])
        do {
            // On its own, so that it cannot close a group that it has not opened, and for PCRE2's offset.
            _ = try CompiledPattern(written, options: options)
        } catch {
            let before = String(decoding: Array(written.utf8.prefix(error.offset)), as: UTF8.self)
            throw SyntaxError(
                in: text, at: range.lowerBound + before.unicodeScalars.count,
                "found an expression that PCRE2 refuses: \(error.message); expected a PCRE2 expression")
        }
        let converted = withoutCapturing(text[range])
        guard let compiled = try? CompiledPattern("(\(converted))", options: options),
            compiled.captureCount == 1, compiled.highestBackReference == 0
        else {
            throw SyntaxError(
                in: text, at: range.lowerBound,
                "found a named group, a reference or an unfinished quotation in a parameter's expression; "
                    + "expected groups such as (?:…), or the whole pattern as `regex:`")
        }
        return converted
    }

    /// Refuses what would change the other routes of an alternation, or could never match inside one.
    private static func refuseWhatReachesOutside(
        _ text: [Unicode.Scalar], _ range: Range<Int>
    ) throws(SyntaxError) {
        let forbidden = [
            ("(*", "a verb"), ("(?R", "a recursion"), ("(?0", "a recursion"), ("\\g", "a reference"),
        ]
        for index in range {
            for (sign, name) in forbidden
            where text[index..<range.upperBound].starts(with: sign.unicodeScalars) {
                throw SyntaxError(
                    in: text, at: index,
                    "found `\(sign)`, which begins \(name); expected an expression without it, "
                        + "or the whole pattern as `regex:`")
            }
        }
        let last = range.upperBound - 1
        let isEscaped = text[range.lowerBound..<last].reversed().prefix { $0 == "\\" }.count % 2 == 1
        for (index, sign) in [(range.lowerBound, "^"), (last, "$")] as [(Int, Unicode.Scalar)]
        where text[index] == sign && !(sign == "$" && isEscaped) {
            throw SyntaxError(
                in: text, at: index,
                "found `\(sign)`; expected none: a parameter's expression always matches the whole value")
        }
    }

    private static func withoutCapturing(_ range: ArraySlice<Unicode.Scalar>) -> String {
        let text = Array(range)
        var output: [Unicode.Scalar] = []
        var position = 0
        while position < text.count {
            let end = endOfUnit(in: text, at: position)
            output += text[position..<end]
            if text[position] == "(", end == text.count || text[end] != "?" {
                output += ["?", ":"]
            }
            position = end
        }
        return string(output[...])
    }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
