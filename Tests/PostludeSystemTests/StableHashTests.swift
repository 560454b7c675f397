import PostludeSystem
import Testing

@Suite("StableHash")
struct StableHashTests {
    @Test(
        "is FNV-1a, with its published values",
        arguments: [
            ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8),
        ] as [(String, UInt64)])
    func values(text: String, hash: UInt64) {
        var whole = StableHash()
        whole.add(text.utf8)
        var pieces = StableHash()
        for byte in text.utf8 { pieces.add(byte) }
        #expect(whole.value == hash && pieces.value == hash)
    }
}
