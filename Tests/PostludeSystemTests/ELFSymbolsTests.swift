import PostludeSystem
import Testing

@Suite("The symbols of an ELF file")
struct ELFSymbolsTests {
    /// A file with one symbol table and one function in it, `go` from 0x40 to 0x50.
    private func file() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64 + 24 + 4 + 3 * 64)
        func put(_ value: UInt64, _ size: Int, at place: Int) {
            for byte in 0..<size { bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
        }
        bytes.replaceSubrange(0..<6, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1])
        put(3, 2, at: 16)
        put(92, 8, at: 40)
        put(64, 2, at: 58)
        put(3, 2, at: 60)
        // The symbol, and its name.
        put(1, 4, at: 64)
        bytes[68] = 2
        put(0x40, 8, at: 72)
        put(0x10, 8, at: 80)
        bytes.replaceSubrange(88..<92, with: [0, 0x67, 0x6f, 0])
        // Sections 1 and 2: the table and its strings.
        put(2, 4, at: 156 + 4)
        put(64, 8, at: 156 + 24)
        put(24, 8, at: 156 + 32)
        put(2, 4, at: 156 + 40)
        put(3, 4, at: 220 + 4)
        put(88, 8, at: 220 + 24)
        put(4, 8, at: 220 + 32)
        return bytes
    }

    @Test("are found by the addresses in their ranges")
    func found() {
        file().withUnsafeBytes { bytes in
            let names = ELFSymbols(bytes)?.names(of: [0x103f, 0x1040, 0x104f, 0x1050], loadedAt: 0x1000)
            #expect(names == [0x1040: "go", 0x104f: "go"])
        }
    }

    @Test("of the running executable are read")
    func own() {
        #expect(ELFSymbols(file: "/proc/self/exe") != nil)
        #expect(ELFSymbols(file: "/nowhere") == nil)
    }

    @Test("A truncated or inconsistent file is read within its bounds")
    func broken() {
        let whole = file()
        for count in 0..<whole.count {
            Array(whole[..<count]).withUnsafeBytes { bytes in
                _ = ELFSymbols(bytes)?.names(of: [0x1040], loadedAt: 0x1000)
            }
        }
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6) {
                // After the magic number, so that most files are accepted.
                bytes[Int.random(in: 6..<bytes.count)] =
                    [0, 1, 0x7f, 0xff].randomElement() ?? 0
            }
            bytes.withUnsafeBytes { bytes in
                _ = ELFSymbols(bytes)?.names(of: [0x1040, .max, 0], loadedAt: 0x1000)
            }
        }
    }
}
