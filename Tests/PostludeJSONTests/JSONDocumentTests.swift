import PostludeJSON
import Testing

@Suite struct JSONDocumentTests {
    private func document(_ text: String) throws -> JSONDocument {
        try JSONDocument(scanning: Array(text.utf8), maximumDepth: 20)
    }

    @Test("nodes are in the order of the text, and each knows the next one after its contents")
    func nodes() throws {
        let document = try document(#" {"a": [1, "x", null], "b": {}, "c": true, "d": false} "#)
        #expect(
            document.nodes.map(\.kind) == [
                .object, .string, .array, .number, .string, .null, .string, .object, .string, .true, .string,
                .false,
            ])
        #expect(document.nodes.map(\.next) == [12, 2, 6, 4, 5, 6, 7, 8, 9, 10, 11, 12])
        #expect(document.indices(of: 0).map(document.string) == ["a", "b", "c", "d"])
        #expect(document.indices(of: 0).map(document.value) == [2, 7, 9, 11])
        #expect(document.indices(of: 2) == [3, 4, 5])
        #expect(document.indices(of: 7) == [])
    }

    @Test("a value's text is as it is written")
    func ranges() throws {
        let document = try document(#" {"a": [ 1 ], "b\n": -2.50, "c": null} "#)
        func text(_ range: Range<Int>) -> String { String(decoding: document.bytes[range], as: UTF8.self) }
        #expect(
            document.nodes.dropFirst().map { text($0.writtenRange) } == [
                #""a""#, "[ 1 ]", "1", #""b\n""#, "-2.50", #""c""#, "null",
            ])
        #expect(text(document.nodes[1].range) == "a")
        #expect(text(document.nodes[4].range) == #"b\n"#)
    }

    @Test("of several members with one name the last one counts")
    func repeatedNames() throws {
        let document = try document(#"{"a": 1, "\u0061": 2, "a": [3], "b": 4}"#)
        #expect(document.member("a", of: 0).map { document.nodes[$0].kind } == .array)
        #expect(document.member("b", of: 0).flatMap(document.integer) == 4)
        #expect(document.member("c", of: 0) == nil)
    }

    @Test("names are compared by their bytes, with and without escapes")
    func canonicalNames() throws {
        let document = try document("{\"\u{e9}\": 1, \"e\\u0301\": 2}")
        #expect(document.member("\u{e9}", of: 0).flatMap(document.integer) == 1)
        #expect(document.member("e\u{301}", of: 0).flatMap(document.integer) == 2)
        #expect(try self.document("{\"\u{e9}\": 1}").member("e\u{301}", of: 0) == nil)
    }

    @Test("escapes are decoded")
    func escapes() throws {
        let text = #""\"\\\/\b\f\n\r\t\u00e4\u0000\uD83D\ude00""#
        #expect(try document(text).string(at: 0) == "\"\\/\u{8}\u{c}\n\r\tä\0😀")
    }

    @Test(
        "a number is an integer if it is written as one and Int holds it",
        arguments: [
            ("0", 0), ("-0", 0), ("-7", -7), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1.0", nil), ("1e2", nil),
            ("\"1\"", nil),
        ] as [(String, Int?)])
    func integers(text: String, value: Int?) throws {
        #expect(try document(text).integer(at: 0) == value)
    }
}
