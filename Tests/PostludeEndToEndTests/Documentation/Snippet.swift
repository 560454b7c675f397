/// A block of code in a document.
struct Snippet: Sendable, CustomStringConvertible {
    /// The language in the fence: `swift`, `yaml`, `sh`; empty if there is none.
    let language: String
    let lines: [String]
    /// The document's path in the repository.
    let file: String
    /// The number of its first line, from 1.
    let line: Int

    var text: String { lines.joined(separator: "\n") + "\n" }
    var description: String { "\(file):\(line)" }

    /// The blocks of a Markdown text.
    ///
    /// - Parameter lines: the text's lines with their numbers.
    static func all(in lines: some Sequence<(number: Int, text: String)>, of file: String) -> [Snippet] {
        var found: [Snippet] = []
        var open: (language: String, indentation: Int, lines: [String], line: Int)?
        for (number, text) in lines {
            let trimmed = text.drop { $0 == " " }
            if let block = open {
                if trimmed == "```" {
                    found.append(
                        Snippet(language: block.language, lines: block.lines, file: file, line: block.line))
                    open = nil
                } else {
                    open?.lines.append(
                        String(text.dropFirst(min(block.indentation, text.count - trimmed.count))))
                }
            } else if trimmed.hasPrefix("```") {
                open = (String(trimmed.dropFirst(3)), text.count - trimmed.count, [], number + 1)
            }
        }
        return found
    }
}
