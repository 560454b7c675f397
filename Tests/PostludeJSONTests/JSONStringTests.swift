import PostludeJSON
import Testing

@Suite struct JSONStringTests {
    @Test(
        "control characters are written in the caller's form, and all others as they are",
        arguments: [
            (.short, #""\"\\/\u0000\u0007\b\t\n\u000b\f\r\u001b\#u{7f}ä😀""#),
            (.numbers, #""\"\\/\u0000\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u001b\#u{7f}ä😀""#),
            (.numbersWithDelete, #""\"\\/\u0000\u0007\u0008\u0009\u000A\u000B\u000C\u000D\u001B\u007Fä😀""#),
        ] as [(JSONString.Escapes, String)])
    func forms(escapes: JSONString.Escapes, written: String) throws {
        let text = "\"\\/\0\u{7}\u{8}\t\n\u{b}\u{c}\r\u{1b}\u{7f}ä😀"
        var bytes = Array("[".utf8)
        JSONString.write(text, to: &bytes, escapes: escapes)
        #expect(String(decoding: bytes, as: UTF8.self) == "[" + written)
        bytes.append(UInt8(ascii: "]"))
        #expect(try JSONDocument(scanning: bytes, maximumDepth: 1).string(at: 1) == text)
    }

    @Test("text without escapes is copied", arguments: ["", "a", "ä😀\u{2028}"])
    func plain(text: String) {
        for escapes in [JSONString.Escapes.short, .numbers, .numbersWithDelete] {
            var bytes: [UInt8] = []
            JSONString.write(text, to: &bytes, escapes: escapes)
            #expect(bytes == Array("\"\(text)\"".utf8))
        }
    }
}
