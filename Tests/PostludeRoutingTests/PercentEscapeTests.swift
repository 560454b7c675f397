import Testing

@testable import PostludeRouting

@Suite("PercentEscape")
struct PercentEscapeTests {
    private func byte(in text: String, at position: Int = 0) -> UInt8? {
        PercentEscape.byte(in: Array(text.utf8), at: position)
    }

    private func decoded(_ text: String) -> String {
        Array(text.utf8).withUnsafeBufferPointer(PercentEscape.decoded)
    }

    @Test("Two hexadecimal digits are a byte")
    func bytes() {
        #expect(byte(in: "%2F") == 0x2f)
        #expect(byte(in: "%2f") == 0x2f)
        #expect(byte(in: "a%fFb", at: 1) == 0xff)
    }

    @Test("Any other text is a broken escape", arguments: ["%", "%2", "%G0", "%0G", "%-1", "%+1", "% 1"])
    func broken(text: String) { #expect(byte(in: text) == nil) }

    @Test("A slash and a percent sign stay escapes in normalised text, and are decoded in a parameter")
    func normalised() {
        var output: [UInt8] = []
        for byte in "a/b%c".utf8 { PercentEscape.appendNormalized(byte, to: &output) }
        #expect(String(decoding: output, as: UTF8.self) == "a%2Fb%25c")
        #expect(decoded("a%2Fb%25c") == "a/b%c")
        #expect(decoded("%252F") == "%2F")
        #expect(decoded("plain") == "plain")
        #expect(decoded("") == "")
    }

    @Test("An escape that a pattern has cut matches itself", arguments: ["%", "%2", "2F", "a%2"])
    func cut(text: String) { #expect(decoded(text) == text) }
}
