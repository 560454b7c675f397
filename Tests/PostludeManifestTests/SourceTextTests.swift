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

    @Test("A byte has the line and column of its character")
    func positions() {
        let source = SourceText("\u{FEFF}aä\r\n€😀x")
        let positions = [0, 1, 3, 5, 8, 12, 13].map(source.position(ofByteAt:))
        let expected = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (2, 4)]
        #expect(positions == expected.map { SourcePosition(line: $0, column: $1) })
    }
}
