import Testing

@testable import PostludeManifest

@Suite("Positions in a manifest's text")
struct SourceTextTests {
    private func offset(_ line: Int, _ column: Int, in text: String) -> Int? {
        SourceText(text).offset(of: SourcePosition(line: line, column: column))
    }

    @Test("Lines end at LF, CR LF, CR, NEL, LS and PS")
    func lines() {
        for end in ["\n", "\r\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"] {
            #expect(offset(2, 2, in: "ab\(end)cd") == 3 + end.utf8.count, "\(end.utf8.map(\.self))")
        }
    }

    @Test("Columns count Unicode scalars")
    func columns() {
        #expect(offset(1, 4, in: "ä€😀x") == 9)
    }

    @Test("There is no position outside the text")
    func outside() {
        #expect(offset(3, 1, in: "a\nb") == nil)
        #expect(offset(0, 1, in: "a") == nil)
        #expect(offset(1, 9, in: "ab\ncd") == nil)
        #expect(offset(2, 3, in: "ab\ncd") == 5)
        #expect(offset(2, 4, in: "ab\ncd") == nil)
    }

    @Test("A byte order mark has no column")
    func mark() {
        #expect(offset(1, 2, in: "\u{FEFF}ab") == 1)
        #expect(SourceText("\u{FEFF}ab").bytes == Array("ab".utf8))
    }

    @Test("Text is found after its quote, and is not found if it is spelled differently")
    func spelling() {
        let source = SourceText("ab \"cd\" 'e' \"\\x66\"")
        #expect(source.spelling(of: "ab", at: SourcePosition(line: 1, column: 1)) == 0)
        #expect(source.spelling(of: "cd", at: SourcePosition(line: 1, column: 4)) == 4)
        #expect(source.spelling(of: "e", at: SourcePosition(line: 1, column: 9)) == 9)
        #expect(source.spelling(of: "f", at: SourcePosition(line: 1, column: 13)) == nil)
        #expect(source.spelling(of: "", at: SourcePosition(line: 1, column: 1)) == nil)
    }
}
