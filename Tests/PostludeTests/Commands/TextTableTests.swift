import Testing

@testable import Postlude

@Suite("TextTable")
struct TextTableTests {
    @Test("each column is as wide as its widest cell, and no line ends with spaces")
    func columns() {
        let table = TextTable(
            header: ["METHODS", "PATTERN", "HANDLER"],
            rows: [["GET", "/a/{long:path}", "äö"], ["GET,POST", "/", "handler"], ["", "", ""]])
        #expect(
            table.description == """
                METHODS   PATTERN         HANDLER
                GET       /a/{long:path}  äö
                GET,POST  /               handler

                """)
    }

    @Test("without rows there is the header")
    func empty() {
        #expect(TextTable(header: ["A", "BB"], rows: []).description == "A  BB")
    }
}
