/// Text from a file as a diagnostic shows it: in backticks, on one line, and not endless.
package func quoted(_ text: some StringProtocol) -> String {
    let bound = 60
    var shown = ""
    for scalar in text.unicodeScalars.prefix(bound) {
        // A terminal must not be steered by what stands in a file.
        let isControl = scalar.properties.generalCategory == .control
        shown += isControl ? scalar.escaped(asASCII: true) : String(scalar)
    }
    let isCut = text.unicodeScalars.dropFirst(bound).first != nil
    return "`\(shown)\(isCut ? "…" : "")`"
}

/// `a, b or c`
func alternatives(_ names: [String], last word: String = "or") -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " \(word) " + last
}
