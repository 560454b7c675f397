import Testing

@testable import PostludeManifest

@Suite("Sizes")
struct ByteCountTextTests {
    @Test(
        "A whole number with a binary unit, nginx's or none is a size",
        arguments: [
            ("0", 0), ("65536", 65_536), ("100B", 100), ("64KiB", 65_536), ("1MiB", 1_048_576),
            ("2GiB", 2_147_483_648), ("64k", 65_536), ("64K", 65_536), ("8m", 8_388_608), ("8M", 8_388_608),
            ("1g", 1_073_741_824), ("1G", 1_073_741_824), ("1024GiB", 1_099_511_627_776),
        ])
    func valid(text: String, bytes: Int) throws {
        #expect(try ByteCountText.parse(text) == bytes)
    }

    @Test(
        "Everything else is not",
        arguments: ["", "k", "1 k", "1.5m", "-1", "+1", "1KB", "1MB", "1kib", "1t", "0x10"])
    func invalid(text: String) {
        let mistake = #expect(throws: ValueMistake.self) { try ByteCountText.parse(text) }
        #expect(mistake?.expected == ByteCountText.expectation)
    }

    @Test(
        "A size above the bound is refused, however large",
        arguments: ["1025GiB", "9223372036854775807g", "9223372036854775808", "99999999999999999999999999k"])
    func tooLarge(text: String) {
        let mistake = #expect(throws: ValueMistake.self) { try ByteCountText.parse(text) }
        #expect(mistake?.expected == "at most 1024GiB")
    }

    @Test(
        "A size is written with its largest whole unit",
        arguments: ["0", "1500", "1KiB", "64KiB", "1MiB", "3GiB"])
    func text(text: String) throws {
        #expect(ByteCountText.text(of: try ByteCountText.parse(text)) == text)
    }
}
