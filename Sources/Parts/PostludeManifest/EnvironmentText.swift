/// Expansion of `${NAME}` and `${NAME:-default}` in the manifest's values.
///
/// `$${` is a literal `${`; a dollar sign without a brace after it is literal. The value of a variable is not expanded
/// again.
enum EnvironmentText {
    /// The variable from which a part of the text comes.
    struct Origin: Hashable {
        let name: String
        /// Whether the file's default was used, because the variable is not set or is empty.
        let isDefault: Bool
    }

    struct Expansion: Equatable {
        var text: String
        /// The variables, each once, in the order of the text; empty if only `$${` was replaced.
        var origins: [Origin]
    }

    struct Mistake: Error, Equatable {
        let message: String
    }

    static let expectation = "${NAME} or ${NAME:-default}, or $${ for a literal ${"

    /// - Returns: `nil` if there is nothing to replace.
    static func expand(
        _ text: String, from environment: [String: String]
    ) throws(Mistake) -> Expansion? {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return nil }
        var expanded = String.UnicodeScalarView()
        var origins: [Origin] = []
        var isChanged = false
        // Unicode scalars, because a brace and a combining mark are one `Character`.
        var rest = text.unicodeScalars[...]
        while let dollar = rest.firstIndex(of: "$") {
            expanded += rest[..<dollar]
            rest = rest[dollar...]
            if rest.starts(with: "$${".unicodeScalars) {
                expanded += "${".unicodeScalars
                rest = rest.dropFirst(3)
                isChanged = true
            } else if rest.starts(with: "${".unicodeScalars) {
                let (value, origin) = try takeReference(from: &rest, environment)
                expanded += value
                if !origins.contains(origin) { origins.append(origin) }
                isChanged = true
            } else {
                expanded.append("$")
                rest = rest.dropFirst()
            }
        }
        guard isChanged else { return nil }
        expanded += rest
        return Expansion(text: String(expanded), origins: origins)
    }

    /// Removes a reference, which begins with `${`, from the front of `rest`, and returns its value.
    private static func takeReference(
        from rest: inout Substring.UnicodeScalarView, _ environment: [String: String]
    ) throws(Mistake) -> (value: Substring.UnicodeScalarView, Origin) {
        guard let end = rest.firstIndex(of: "}") else {
            throw Mistake(message: "found \(quoted(String(rest))) without a `}`, expected \(expectation)")
        }
        let reference = rest[...end]
        let content = reference.dropFirst(2).dropLast()
        let name = content.prefix(while: isNameCharacter)
        let suffix = content[name.endIndex...]
        let isWellFormed =
            name.first.map { !("0"..."9").contains($0) } == true
            && (suffix.isEmpty || suffix.starts(with: ":-".unicodeScalars))
            && !contains(suffix, "${")
        guard isWellFormed else {
            throw Mistake(message: "found \(quoted(String(reference))), expected \(expectation)")
        }
        rest = rest[rest.index(after: end)...]
        let variable = String(name)
        let value = environment[variable]
        if let value, value.unicodeScalars.contains("\u{FFFD}") {
            throw Mistake(message: "the variable \(variable) is not UTF-8, expected UTF-8")
        }
        // As in a shell, an empty variable has the default, too.
        if let value, suffix.isEmpty || !value.isEmpty {
            return (value.unicodeScalars[...], Origin(name: variable, isDefault: false))
        }
        guard !suffix.isEmpty else {
            throw Mistake(
                message: "the environment has no \(variable); set it, or write ${\(variable):-default}")
        }
        return (suffix.dropFirst(2), Origin(name: variable, isDefault: true))
    }

    private static func isNameCharacter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }

    private static func contains(_ text: Substring.UnicodeScalarView, _ part: String) -> Bool {
        text.indices.contains { text[$0...].starts(with: part.unicodeScalars) }
    }
}

extension EnvironmentText.Origin: CustomStringConvertible {
    var description: String { isDefault ? "the default of \(name)" : "the variable \(name)" }
}
