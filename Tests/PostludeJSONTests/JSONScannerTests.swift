import PostludeJSON
import Testing

@Suite struct JSONScannerTests {
    private func document(_ bytes: [UInt8], depth: Int = 20) -> JSONDocument? {
        try? JSONDocument(scanning: bytes, maximumDepth: depth)
    }

    private func document(_ text: String) -> JSONDocument? { document(Array(text.utf8)) }

    @Test(
        "numbers are in the form of RFC 8259",
        arguments: [
            "01", "-01", "00", "-", "+1", ".5", "1.", "1.e2", "-.5", "1e", "1e+", "1e1.5", "1e1e1", "0x1",
            "1_0", "--1", "1-1", "NaN", "nan", "Infinity", "-inf", "1 1",
        ])
    func wrongNumbers(text: String) {
        #expect(document(text) == nil)
        #expect(document("[\(text)]") == nil)
    }

    @Test(
        "a number of any size is well-formed",
        arguments: ["0", "-0", "7", "-0.5e+10", "1E2", "1e400", "18446744073709551616", "0.0000"])
    func numbers(text: String) throws {
        let document = try #require(self.document(text))
        #expect(document.nodes.map(\.kind) == [.number])
        #expect(document.string(at: 0) == text)
    }

    @Test(
        "unterminated strings, control characters, half a surrogate pair and wrong escapes are refused",
        arguments: [
            #"""#, #""a"#, #""\""#, #""\x""#, #""\u12""#, #""\u12g4""#, #""\u+123""#, #""\ud800""#,
            #""\udc00""#, #""\ud800\ud800""#, #""\udc00\ud800""#, #""\ud800x""#, #""\ud800\n""#, "\"\n\"",
            "\"\u{1f}\"", "'a'",
        ])
    func wrongStrings(text: String) {
        #expect(document(text) == nil)
        #expect(document("{\(text):1}") == nil)
    }

    @Test(
        "bytes that are not UTF-8 are refused",
        arguments: [
            [0xff], [0x80], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82],
        ] as [[UInt8]])
    func wrongBytes(bytes: [UInt8]) {
        #expect(document([0x22] + bytes + [0x22]) == nil)
        #expect(document(bytes) == nil)
    }

    @Test(
        "extra and missing text is refused",
        arguments: [
            "", " ", "1 x", "{} {}", "[]]", "[", "[1", "[1,", "[,]", "[1,]", "{", "{\"a\"", "{\"a\":",
            "{\"a\":1", "{\"a\":1,}", "{,}", "{1:2}", "{\"a\" 1}", "[1 2]", "tru", "truex", "nul", "True",
            "\u{a0}1", "\u{c}1", "// x\n1", "1\u{feff}",
        ])
    func wrongStructure(text: String) {
        #expect(document(text) == nil)
    }

    @Test("a byte order mark may come first if the caller allows it")
    func byteOrderMark() throws {
        let bytes = Array("\u{feff}[1]".utf8)
        let document = try JSONDocument(scanning: bytes, maximumDepth: 1, skipsByteOrderMark: true)
        #expect(document.nodes.map(\.kind) == [.array, .number])
        let error = #expect(throws: JSONSyntaxError.self) {
            try JSONDocument(scanning: bytes, maximumDepth: 1)
        }
        #expect(error?.reason == .expectedValue && error?.position == 0)
    }

    @Test("nesting is accepted up to the caller's limit", arguments: [1, 200, 500])
    func depth(limit: Int) {
        for (open, inner, close) in [("[", "", "]"), ("[", "1", "]"), (#"{"a":"#, "1", "}")] {
            func bytes(_ levels: Int) -> [UInt8] {
                let text =
                    String(repeating: open, count: levels) + inner + String(repeating: close, count: levels)
                return Array(text.utf8)
            }
            #expect(document(bytes(limit), depth: limit) != nil)
            let error = #expect(throws: JSONSyntaxError.self) {
                try JSONDocument(scanning: bytes(limit + 1), maximumDepth: limit)
            }
            #expect(error?.reason == .nestedTooDeeply)
            #expect(error?.position == open.utf8.count * limit)
        }
    }
}
