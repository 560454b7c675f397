import Testing

@testable import PostludeManifest

@Suite("Text in diagnostics")
struct QuotedTextTests {
    @Test("Control characters are escaped, so that a file cannot control a terminal")
    func controls() {
        #expect(quoted("a\u{1B}[31m\n\u{9B}") == "`a\\u{1B}[31m\\n\\u{009B}`")
    }

    @Test("Long text is truncated")
    func long() {
        #expect(quoted(String(repeating: "a", count: 60)) == "`\(String(repeating: "a", count: 60))`")
        #expect(quoted(String(repeating: "a", count: 61)) == "`\(String(repeating: "a", count: 60))…`")
    }

    @Test("Names are joined as in a sentence")
    func names() {
        #expect(alternatives([]) == "")
        #expect(alternatives(["a"]) == "a")
        #expect(alternatives(["a", "b", "c"]) == "a, b or c")
    }
}
