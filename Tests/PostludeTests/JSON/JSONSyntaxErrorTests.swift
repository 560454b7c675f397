import Testing

@testable import Postlude

@Suite("JSONSyntaxError")
struct JSONSyntaxErrorTests {
    @Test(
        "gives the position in Unicode scalars, as Python does, with line and column",
        arguments: [
            ("", 0, 1, 1), ("a", 1, 1, 2), ("ä€😀", 3, 1, 4), ("\n", 1, 2, 1), ("a\n\nb", 4, 3, 2),
            ("\r\n", 2, 2, 1),
        ])
    func position(text: String, offset: Int, line: Int, column: Int) {
        let error = JSONSyntaxError("", at: text.utf8.count, in: Array((text + "more").utf8))
        #expect(error.offset == offset)
        #expect(error.line == line)
        #expect(error.column == column)
    }

    @Test("an unterminated text costs one pass", .timeLimit(.minutes(10)))
    func long() {
        let bytes = Array(("[" + String(repeating: "1,", count: 1_000_000)).utf8)
        let error = #expect(throws: JSONSyntaxError.self) { try JSONText.read(bytes) }
        #expect(error?.offset == bytes.count)
    }
}
