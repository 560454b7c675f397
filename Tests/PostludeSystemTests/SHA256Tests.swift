import PostludeSystem
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test(
        "The digests of known texts",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ])
    func known(text: String, digest: String) {
        #expect(Self.hex(SHA256.digest(of: Array(text.utf8))) == digest)
    }

    /// Its digests come from Python's hashlib.
    @Test("Each length around the edge of a block, and a text in pieces of any size")
    func lengths() {
        var all = SHA256()
        for count in 0..<200 { all.update(SHA256.digest(of: [UInt8](repeating: 0x61, count: count))) }
        #expect(
            Self.hex(all.finalize()) == "752c007f38611cfbf5fa42cb1cea3d8e086491c844d0cc4defd632cb81423506")
        let text = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        for size in [1, 7, 63, 64, 65, 999] {
            var digest = SHA256()
            for start in stride(from: 0, to: text.count, by: size) {
                digest.update(text[start..<min(start + size, text.count)])
            }
            #expect(digest.finalize() == SHA256.digest(of: text), "\(size)")
        }
    }

    @Test("Parts that are divided otherwise have another digest")
    func parts() {
        func digest(_ parts: String...) -> [UInt8] {
            var digest = SHA256()
            for part in parts { digest.update(part: part.utf8) }
            return digest.finalize()
        }
        #expect(digest("a", "bc") == digest("a", "bc"))
        #expect(digest("a", "bc") != digest("ab", "c"))
        #expect(digest("a", "") != digest("a"))
    }
}
