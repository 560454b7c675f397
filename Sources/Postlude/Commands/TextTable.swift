internal import PostludeLogOutput

/// Columns of text, each as wide as its widest cell. What a cell holds cannot break its line, or steer the terminal.
package struct TextTable: CustomStringConvertible {
    let header: [String]
    let rows: [[String]]

    package init(header: [String], rows: [[String]]) {
        self.header = header
        self.rows = rows.map { $0.map(LogText.escaped) }
    }

    package var description: String {
        let lines = [header] + rows
        let widths = header.indices.map { column in
            lines.map { TerminalText.width(of: $0[column]) }.max() ?? 0
        }
        return lines.map { line in
            zip(line, widths).map { cell, width in
                cell + String(repeating: " ", count: width - TerminalText.width(of: cell))
            }
            .joined(separator: "  ").trimmingSuffix { $0 == " " }
        }
        .joined(separator: "\n")
    }
}

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, predicate(last) { text.removeLast() }
        return String(text)
    }
}
