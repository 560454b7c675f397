/// A manifest's text, in which the positions of YAML nodes can be looked up.
struct SourceText {
    let bytes: [UInt8]
    /// Whether the text begins with a byte order mark, which is not in `bytes`.
    private let isMarked: Bool
    /// The offset of each line's first byte.
    private let lineStarts: [Int]

    init(_ text: String) {
        // A byte order mark would shift the columns of the first line.
        isMarked = text.unicodeScalars.first == "\u{FEFF}"
        bytes = isMarked ? Array(text.utf8.dropFirst(3)) : Array(text.utf8)
        lineStarts = Self.lineStarts(in: bytes)
    }

    /// Returns the offsets of lines as libyaml counts them, which end with LF, CR LF, CR, NEL, LS or PS.
    private static func lineStarts(in bytes: [UInt8]) -> [Int] {
        var starts = [0]
        for (index, byte) in bytes.enumerated() {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            switch byte {
            case 0x0A: starts.append(index + 1)
            case 0x0D where next != 0x0A: starts.append(index + 1)
            case 0xC2 where next == 0x85: starts.append(index + 2)
            case 0xE2 where next == 0x80 && index + 2 < bytes.count && bytes[index + 2] | 1 == 0xA9:
                starts.append(index + 3)
            default: break
            }
        }
        return starts
    }

    /// Returns the change that replaces a scalar's text; `nil` if the file has the text in another form, such as with escapes.
    func fix(_ node: Node, by text: String) -> TextFix? {
        guard let scalar = node.scalar, scalar.style != .block else { return nil }
        let quote = scalar.isQuoted ? 1 : 0
        let position = SourcePosition(line: node.position.line, column: node.position.column + quote)
        let fix = TextFix(position: position, old: scalar.string, new: text)
        return offset(of: fix) == nil ? nil : fix
    }

    /// Returns the offset of the text that a fix replaces; `nil` if another text is there.
    private func offset(of fix: TextFix) -> Int? {
        guard let offset = offset(of: fix.position),
            bytes[offset...].prefix(fix.old.utf8.count).elementsEqual(fix.old.utf8)
        else { return nil }
        return offset
    }

    /// Returns the text with some changes.
    func applying(_ fixes: [TextFix]) -> String {
        var text = bytes
        // From the end, so that the offsets of the others stay; each place is changed once.
        let places = Dictionary(fixes.map { (offset(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
        for case (let offset?, let fix) in places.sorted(by: { $0.key ?? 0 > $1.key ?? 0 }) {
            text.replaceSubrange(offset..<offset + fix.old.utf8.count, with: fix.new.utf8)
        }
        return (isMarked ? "\u{FEFF}" : "") + String(decoding: text, as: UTF8.self)
    }

    /// Returns the offset of the byte at a position; `nil` if the position is after the end of its line.
    func offset(of position: SourcePosition) -> Int? {
        guard lineStarts.indices.contains(position.line - 1) else { return nil }
        var offset = lineStarts[position.line - 1]
        for _ in 1..<max(position.column, 1) {
            guard offset < bytes.count, bytes[offset] != 0x0A else { return nil }
            offset += Self.scalarLength(bytes[offset])
        }
        return offset <= bytes.count ? offset : nil
    }

    /// Returns the position of the character at an offset in the bytes.
    func position(ofByteAt offset: Int) -> SourcePosition {
        let line = lineStarts.lastIndex { $0 <= offset } ?? 0
        let before = bytes.prefix(max(offset, 0)).dropFirst(lineStarts[line])
        // The bytes after the first one of a character are 0b10xxxxxx.
        return SourcePosition(line: line + 1, column: before.count { $0 & 0xC0 != 0x80 } + 1)
    }

    /// Returns the position of a character of a scalar. Quotes and escapes are taken into account, because they take columns in
    /// the file. For a scalar that extends over several lines, returns its beginning.
    func position(of offset: Int, in node: Node) -> SourcePosition {
        let beginning = node.position
        guard let scalar = node.scalar, var index = self.offset(of: beginning) else { return beginning }
        var rest = scalar.string.prefix(offset).unicodeScalars.count
        var column = beginning.column
        if scalar.isQuoted { (index, column) = (index + 1, column + 1) }
        while rest > 0 {
            guard index < bytes.count, bytes[index] != 0x0A, bytes[index] != 0x0D else { return beginning }
            let width = escapeWidth(at: index, style: scalar.style)
            if width > 1 { index += width } else { index += Self.scalarLength(bytes[index]) }
            column += width
            rest -= 1
        }
        return scalar.style == .block ? beginning : SourcePosition(line: beginning.line, column: column)
    }

    /// Returns the number of columns of the character at an offset in a quoted scalar: more than 1 for an escape.
    private func escapeWidth(at index: Int, style: Node.Style) -> Int {
        let next = index + 1 < bytes.count ? bytes[index + 1] : 0
        switch (style, bytes[index]) {
        case (.singleQuoted, UInt8(ascii: "'")): return 2
        case (.doubleQuoted, UInt8(ascii: "\\")):
            switch next {
            case UInt8(ascii: "x"): return 4
            case UInt8(ascii: "u"): return 6
            case UInt8(ascii: "U"): return 10
            default: return 2
            }
        default: return 1
        }
    }

    /// Returns the length of the UTF-8 sequence that begins with a byte.
    private static func scalarLength(_ lead: UInt8) -> Int {
        switch lead {
        case 0xF0...: 4
        case 0xE0...: 3
        case 0xC0...: 2
        default: 1
        }
    }
}
