import Testing

@testable import PostludeManifest

@Suite("Variables in text")
struct EnvironmentTextTests {
    private let environment = [
        "A": "x", "B_2": "y z", "_": "u", "EMPTY": "", "NESTED": "${A}", "BYTES": "a\u{FFFD}",
    ]

    @Test(
        "Variables and escapes are replaced",
        arguments: [
            ("${A}", "x"), ("a${A}b${B_2}c", "axby zc"), ("${_}", "u"), ("${EMPTY}", ""), ("${A:-d}", "x"),
            ("${NONE:-d}", "d"), ("${NONE:-}", ""), ("${EMPTY:-d}", "d"),
            ("${NONE:-a:-b $c {d}", "a:-b $c {d"),
            ("$${A}", "${A}"), ("$$${A}", "$${A}"), ("$${${A}", "${x"), ("$${", "${"),
            ("$${A}${A}$", "${A}x$"),
            ("${NESTED}", "${A}"), ("${A}\u{301}", "x\u{301}"), ("ä${A}😀", "äx😀"),
        ])
    func replaced(text: String, expected: String) throws {
        #expect(try EnvironmentText.expand(text, from: environment)?.text == expected)
    }

    @Test(
        "A dollar without a brace stays",
        arguments: ["", "a", "$", "$A", "^/a$", "a$$b", "{A}", "$ {A}", "^/(\\d{2})$|^/b{1}$"])
    func unchanged(text: String) throws {
        #expect(try EnvironmentText.expand(text, from: environment) == nil)
    }

    @Test(
        "Text that begins like a variable but is none is refused",
        arguments: [
            "${", "${A", "${}", "${1}", "${1A}", "${A-b}", "${A:b}", "${A:=b}", "${A B}", "${ A }", "${Ä}",
            "${A:-${B_2}}", "^/a${2}", "a${A}${",
        ])
    func malformed(text: String) throws {
        let mistake = #expect(throws: EnvironmentText.Mistake.self) {
            try EnvironmentText.expand(text, from: environment)
        }
        let message = try #require(mistake?.message)
        #expect(message.hasPrefix("found `${"))
        #expect(message.hasSuffix("expected ${NAME} or ${NAME:-default}, or $${ for a literal ${"))
    }

    @Test("A variable that is not set is named")
    func unset() {
        let message = "the environment has no NONE; set it, or write ${NONE:-default}"
        #expect(throws: EnvironmentText.Mistake(message: message)) {
            try EnvironmentText.expand("a${NONE}", from: environment)
        }
    }

    @Test("A variable that is not UTF-8 is refused")
    func encoding() {
        let message = "the variable BYTES is not UTF-8, expected UTF-8"
        #expect(throws: EnvironmentText.Mistake(message: message)) {
            try EnvironmentText.expand("${BYTES}", from: environment)
        }
    }

    @Test("Each variable is listed once, and whether its default was used")
    func origins() throws {
        let expansion = try EnvironmentText.expand("${A}${NONE:-b}${A}${EMPTY:-c}$${", from: environment)
        #expect(
            expansion?.origins.map(\.description) == [
                "the variable A", "the default of NONE", "the default of EMPTY",
            ])
        #expect(try EnvironmentText.expand("$${A}", from: environment)?.origins == [])
    }
}
