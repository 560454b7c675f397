/// Returns text from a file as diagnostics show it: in backticks, on one line, and cut after 60 characters.
package func quoted(_ text: some StringProtocol) -> String {
    let bound = 60
    var shown = ""
    for scalar in text.unicodeScalars.prefix(bound) {
        // Control characters in a file must not reach a terminal.
        let isControl = scalar.properties.generalCategory == .control
        shown += isControl ? scalar.escaped(asASCII: true) : String(scalar)
    }
    let isCut = text.unicodeScalars.dropFirst(bound).first != nil
    return "`\(shown)\(isCut ? "…" : "")`"
}

/// Joins names to text such as `a, b or c`.
func alternatives(_ names: [String], last word: String = "or") -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " \(word) " + last
}
