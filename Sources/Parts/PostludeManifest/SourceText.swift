internal import Yams

/// A manifest's text, with the way from YAML's marks back to it.
struct SourceText {
    let bytes: [UInt8]
    /// The offset of each line's first byte.
    private let lineStarts: [Int]

    init(_ text: String) {
        // A byte order mark would shift the columns of the first line.
        let isMarked = text.unicodeScalars.first == "\u{FEFF}"
        bytes = isMarked ? Array(text.utf8.dropFirst(3)) : Array(text.utf8)
        lineStarts = Self.lineStarts(in: bytes)
    }

    /// Lines end as libyaml counts them: LF, CR LF, CR, NEL, LS and PS.
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

    /// The offset of the byte at a position; `nil` after the end of its line.
    func offset(of position: SourcePosition) -> Int? {
        guard lineStarts.indices.contains(position.line - 1) else { return nil }
        var offset = lineStarts[position.line - 1]
        for _ in 1..<max(position.column, 1) {
            guard offset < bytes.count, bytes[offset] != 0x0A else { return nil }
            offset += Self.scalarLength(bytes[offset])
        }
        return offset <= bytes.count ? offset : nil
    }

    /// The position of the first scalar with this value: libyaml names a character that YAML forbids by its
    /// value only.
    func position(ofFirst value: UInt32) -> SourcePosition? {
        guard let scalar = Unicode.Scalar(value) else { return nil }
        var line = 1
        var column = 1
        for found in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            if found == scalar { return SourcePosition(line: line, column: column) }
            if found == "\n" { (line, column) = (line + 1, 1) } else { column += 1 }
        }
        return nil
    }

    /// The offset of the text that stands at a position, after its quote if it has one; `nil` when it is
    /// spelled otherwise there, as with escapes.
    func spelling(of text: String, at position: SourcePosition) -> Int? {
        guard var start = offset(of: position), start < bytes.count else { return nil }
        if bytes[start] == UInt8(ascii: "\"") || bytes[start] == UInt8(ascii: "'") { start += 1 }
        let isThere = !text.isEmpty && bytes.dropFirst(start).starts(with: text.utf8)
        return isThere ? start : nil
    }

    /// The place of one of a scalar's characters: after quotes and escapes the columns of the file and the
    /// offsets in the text differ. Where a scalar is folded over lines, its beginning.
    func position(of offset: Int, in scalar: Node.Scalar) -> SourcePosition? {
        guard let mark = scalar.mark else { return nil }
        let beginning = SourcePosition(mark)
        var rest = scalar.string.prefix(offset).unicodeScalars.count
        var column = beginning.column
        guard var index = self.offset(of: beginning) else { return beginning }
        if scalar.isQuoted { (index, column) = (index + 1, column + 1) }
        while rest > 0 {
            guard index < bytes.count, bytes[index] != 0x0A, bytes[index] != 0x0D else { return beginning }
            let width = escapeWidth(at: index, style: scalar.style)
            if width > 1 { index += width } else { index += Self.scalarLength(bytes[index]) }
            column += width
            rest -= 1
        }
        let isInFile = scalar.style == .plain || scalar.isQuoted
        return isInFile ? SourcePosition(line: beginning.line, column: column) : beginning
    }

    /// How many columns the character at a byte takes in a quoted scalar; 1 without an escape.
    private func escapeWidth(at index: Int, style: Node.Scalar.Style) -> Int {
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

    /// The length of the UTF-8 sequence that a byte begins.
    private static func scalarLength(_ lead: UInt8) -> Int {
        switch lead {
        case 0xF0...: 4
        case 0xE0...: 3
        case 0xC0...: 2
        default: 1
        }
    }
}

extension SourcePosition {
    init(_ mark: Mark) {
        self.init(line: mark.line, column: mark.column)
    }
}

extension Node.Scalar {
    var isQuoted: Bool { style == .singleQuoted || style == .doubleQuoted }
}
