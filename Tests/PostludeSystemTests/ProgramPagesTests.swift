import Glibc
import PostludeSystem
import Testing

/// Each test has a process of its own: in this one, other tests use the pages, and unmap them.
@Suite("ProgramPages")
struct ProgramPagesTests {
    @Test("The program's pages leave the process, and it continues")
    func unmapping() async {
        await #expect(processExitsWith: .success) {
            let before = try residentFileKiB()
            try ProgramPages.unmap()
            let after = try residentFileKiB()
            try #require(after < before / 2, "\(before) KiB before, \(after) after")
        }
    }

    @Test("A page with a breakpoint stays")
    func breakpoint() async {
        await #expect(processExitsWith: .success) {
            let text: StaticString = "a text in a page that cannot be written"
            let size = Int(getpagesize())
            let byte = try #require(UnsafeMutableRawPointer(bitPattern: UInt(bitPattern: text.utf8Start)))
            let page = try #require(
                UnsafeMutableRawPointer(bitPattern: UInt(bitPattern: byte) & ~UInt(size - 1)))
            // It may contain code, too.
            try #require(mprotect(page, size, PROT_READ | PROT_WRITE | PROT_EXEC) == 0)
            byte.storeBytes(of: 0xcc, as: UInt8.self)
            try #require(mprotect(page, size, PROT_READ | PROT_EXEC) == 0)
            try ProgramPages.unmap()
            try #require(byte.load(as: UInt8.self) == 0xcc)
        }
    }
}

/// The memory of this process that is mapped from files.
private func residentFileKiB() throws -> Int {
    let file = try #require(fopen("/proc/self/status", "r"))
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, CInt(line.count), file) != nil {
        let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            .split { $0.isWhitespace }
        if words.first == "RssFile:", words.count == 3 { return try #require(Int(words[1])) }
    }
    throw SystemError("find RssFile in /proc/self/status", errno: ENOENT)
}
