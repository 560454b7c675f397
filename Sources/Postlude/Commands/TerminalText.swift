internal import Glibc
internal import PostludeLogOutput

/// Measures and cuts text for a terminal.
enum TerminalText {
    /// Returns the number of columns of a text without control characters.
    static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    private static func width(of character: Character) -> Int {
        let scalars = character.unicodeScalars
        // U+FE0F selects the colored, wide form.
        if scalars.count > 1, scalars.contains("\u{fe0f}") { return 2 }
        return scalars.reduce(0) { max($0, width(of: $1)) }
    }

    private static func width(of scalar: Unicode.Scalar) -> Int {
        guard scalar.value >= 0x300 else { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        return scalar.properties.isEmojiPresentation || isWide(scalar.value) ? 2 : 1
    }

    /// Whether a terminal shows the scalar in two columns: its East Asian Width is W or F (Unicode Standard Annex 11). The
    /// ranges are those of whole blocks.
    private static func isWide(_ value: UInt32) -> Bool {
        switch value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0xa4cf,
            0xa960...0xa97f, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6f,
            0xff01...0xff60, 0xffe0...0xffe6, 0x16fe0...0x18dff, 0x1aff0...0x1b2ff, 0x1f200...0x1f2ff,
            0x20000...0x3fffd:
            true
        default: false
        }
    }

    /// Returns the text, cut to `columns` with an ellipsis if it is longer.
    static func cut(_ text: String, to columns: Int) -> String {
        guard width(of: text) > columns else { return text }
        var (cut, taken) = ("", 0)
        for character in text {
            taken += width(of: character)
            guard taken < columns else { break }
            cut.append(character)
        }
        return cut + "…"
    }

    /// Returns the part of a page that a window shows without scrolling.
    static func fit(_ page: String, into window: (rows: Int, columns: Int)) -> String {
        var lines = page.split(separator: "\n", omittingEmptySubsequences: false).map {
            cut(String($0), to: max(1, window.columns))
        }
        if lines.count > window.rows {
            let room = max(1, window.rows)
            let note = cut("… \(lines.count - room + 1) more lines", to: max(1, window.columns))
            // A single row has the first line.
            lines = room == 1 ? Array(lines.prefix(1)) : lines.prefix(room - 1) + [note]
        }
        return lines.joined(separator: "\n")
    }

    /// Returns a line of a report in colours: headings of tables are bold, counts of what has gone wrong are red. Without
    /// colours if NO_COLOR is set, or the terminal has none.
    static func coloured(_ line: Substring, _ environment: (String) -> String? = variable) -> String {
        guard environment("NO_COLOR") ?? "" == "", environment("TERM") != "dumb" else { return String(line) }
        let words = line.split(separator: " ")
        if let first = words.first, first.count > 1, first.allSatisfy({ $0.isUppercase && $0.isLetter }),
            !line.contains(where: \.isLowercase)
        {
            return "\u{1b}[1m\(line)\u{1b}[m"
        }
        return String(line).replacing(/(?:refused|timed out) [1-9][0-9]*|[1-9][0-9]* (?:failed|dropped)/) {
            "\u{1b}[31m\($0.output)\u{1b}[m"
        }
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) != 0 }

    /// The size of the terminal on standard output; nil if it is unknown.
    static var window: (rows: Int, columns: Int)? {
        var size = winsize()
        guard isatty(STDOUT_FILENO) != 0, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0,
            size.ws_col > 0
        else { return nil }
        return (Int(size.ws_row), Int(size.ws_col))
    }
}

/// A table whose columns are as wide as their widest cells. Control characters in cells are escaped, so that they cannot
/// break a line or control the terminal.
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
