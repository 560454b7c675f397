import Testing

@testable import PostludeManifest

@Suite("Kinds of scalars")
struct ScalarKindTests {
    @Test(
        "A plain scalar is what YAML 1.2's core schema says",
        arguments: [
            (ScalarKind.null, ["", "~", "null", "Null", "NULL"]),
            (.boolean, ["true", "False", "TRUE"]),
            (.integer, ["0", "12", "-3", "+4", "010", "0x1F", "0o17"]),
            (.float, ["1.5", "-.5", "1.", "1e3", "6.02E+23", ".inf", "-.Inf", ".nan"]),
            (
                .text,
                [
                    "a", "30s", "64KiB", "-", "+", ".", "--1", "1.2.3", "1:30", "yes", "nan", "inf",
                    "infinity", "0xZZ",
                    "0x1p3", "e5", "nULL", "١",
                ]
            ),
        ])
    func plain(kind: ScalarKind, texts: [String]) {
        for text in texts { #expect(ScalarKind(plain: text) == kind, "\(text)") }
    }
}
