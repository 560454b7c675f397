/// Regular expressions of PCRE2 that mean the same in ECMAScript, as JSON Schema wants them.
enum PortablePattern {
    /// The expression in words that both understand alike; nil for one that says more than ECMAScript can.
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
                // A class in a class is literal here and means something there, as `[:alpha:]` does.
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

    /// Other languages take the digits and letters of all scripts for these classes.
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
