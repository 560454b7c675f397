import Glibc
import Testing

@testable import PostludeSystem

/// The pages are those of a file that only this test has mapped: other tests use, and map again, those of the program.
@Suite("ProgramPages")
struct ProgramPagesTests {
    private static let size = Int(getpagesize())

    /// Maps a file of three pages, which contain 1, 2 and 3, and reads each of them.
    private func withMappedFile(_ body: (UnsafeMutableRawPointer) throws -> Void) throws {
        let bytes = (1...3).flatMap { [UInt8](repeating: $0, count: Self.size) }
        let file = try SealedFile("pages", bytes)
        let mapped = mmap(nil, bytes.count, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.descriptor, 0)
        let pages = try #require(mapped != MAP_FAILED ? mapped : nil)
        defer { munmap(pages, bytes.count) }
        for index in 0..<3 {
            #expect(pages.load(fromByteOffset: index * Self.size, as: UInt8.self) == index + 1)
        }
        try body(pages)
    }

    private func range(_ pages: UnsafeMutableRawPointer) -> Range<UInt> {
        let start = UInt(bitPattern: pages)
        return start..<start + UInt(3 * Self.size)
    }

    /// Whether each of the three pages is in the memory of this process.
    private func present(_ pages: UnsafeMutableRawPointer) throws -> [Bool] {
        let pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
        defer { close(pagemap) }
        var entries = [UInt64](repeating: 0, count: 3)
        let offset = off_t(UInt(bitPattern: pages) / UInt(Self.size) * 8)
        try #require(pread(pagemap, &entries, 24, offset) == 24)
        return entries.map { $0 >> 63 == 1 }
    }

    @Test("Pages that equal their file leave the process, and are mapped again when they are used")
    func unmapping() throws {
        try withMappedFile { pages in
            #expect(try present(pages) == [true, true, true])
            try ProgramPages.unmap(range(pages))
            #expect(try present(pages) == [false, false, false])
            #expect(pages.load(fromByteOffset: 2 * Self.size, as: UInt8.self) == 3)
        }
    }

    @Test("A page that was changed, as by a breakpoint, stays")
    func breakpoint() throws {
        try withMappedFile { pages in
            pages.storeBytes(of: 0xcc, toByteOffset: Self.size + 5, as: UInt8.self)
            try ProgramPages.unmap(range(pages))
            #expect(try present(pages) == [false, true, false])
            #expect(pages.load(fromByteOffset: Self.size + 5, as: UInt8.self) == 0xcc)
        }
    }

    @Test("The program continues after its pages were unmapped")
    func program() throws {
        try ProgramPages.unmap()
    }
}
