/// Translates regular expressions from PCRE2 to ECMAScript, which JSON Schema requires.
enum PortablePattern {
    /// Returns the expression in the syntax that means the same in both; nil if ECMAScript cannot express it.
    static func text(_ expression: String) -> String? {
        var output = ""
        var rest = expression[...]
        var isInClass = false
        var last: Character?
        while let character = rest.popFirst() {
            switch character {
            case "\\":
                guard let escape = rest.popFirst(), let text = translated(escape, isInClass: isInClass) else {
                    return nil
                }
                output += text
                last = "a"
                continue
            case "[":
                // A bracket in a class is literal in ECMAScript and can be special in PCRE2, as in `[:alpha:]`.
                guard !isInClass else { return nil }
                isInClass = true
            case "]": isInClass = false
            case "(" where !isInClass && (rest.hasPrefix("?") || rest.hasPrefix("*")):
                guard let group = ["?:", "?=", "?!"].first(where: rest.hasPrefix) else { return nil }
                output += "(" + group
                rest.removeFirst(group.count)
                last = "("
                continue
            case "+" where !isInClass && last.map(isQuantifier) == true: return nil
            default: break
            }
            output.append(character)
            last = character
        }
        return isInClass ? nil : output
    }

    private static func isQuantifier(_ character: Character) -> Bool { "?*+}".contains(character) }

    /// Translates an escape, since some implementations match the digits and letters of all scripts with `\d` and `\w`.
    /// Returns nil for an escape that is not portable.
    private static func translated(_ escape: Character, isInClass: Bool) -> String? {
        switch escape {
        case "d": isInClass ? "0-9" : "[0-9]"
        case "w": isInClass ? "A-Za-z0-9_" : "[A-Za-z0-9_]"
        case "D" where !isInClass: "[^0-9]"
        case "W" where !isInClass: "[^A-Za-z0-9_]"
        case "t", "n", "r": "\\" + String(escape)
        case _ where escape.isASCII && !escape.isLetter && !escape.isNumber: "\\" + String(escape)
        default: nil
        }
    }
}
