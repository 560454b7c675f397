import Foundation
import PostludeSystem
import Testing

@Suite("UnnamedFile")
struct UnnamedFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A file as each kind of file system makes it.
    private func make(_ text: String, isUnlinked: Bool = false) throws -> UnnamedFile {
        let file =
            isUnlinked ? try UnnamedFile(unlinkedIn: folder.path) : try UnnamedFile(in: folder.path)
        try file.write(Array(text.utf8).span)
        return file
    }

    @Test("Its contents can be read at any offset, and no name is left", arguments: [false, true])
    func reading(isUnlinked: Bool) throws {
        let file = try make("hello ", isUnlinked: isUnlinked)
        try file.write(Array("world".utf8).span)
        #expect(try file.read(from: 0, count: 100) == Array("hello world".utf8))
        #expect(try file.read(from: 6, count: 3) == Array("wor".utf8))
        #expect(try file.read(from: 100, count: 3).isEmpty)
        #expect(try String(contentsOfFile: file.path, encoding: .utf8) == "hello world")
        #expect(try folder.names.isEmpty)
    }

    @Test("It gets a name, twice if necessary, with the given mode", arguments: [false, true])
    func naming(isUnlinked: Bool) throws {
        let file = try make("hello", isUnlinked: isUnlinked)
        try file.move(to: folder.file("a"), mode: 0o640, isReplacing: false)
        try file.move(to: folder.file("b"), mode: 0o600, isReplacing: false)
        #expect(try folder.text("a") == "hello" && folder.text("b") == "hello")
        #expect(try folder.mode("b") == 0o600)
        #expect(try folder.names == ["a", "b"])
        // The second name is a copy's.
        #expect(FileIdentity(path: folder.file("a")) != FileIdentity(path: folder.file("b")))
    }

    @Test("A name that exists is an error, or is replaced", arguments: [false, true])
    func replacing(isUnlinked: Bool) throws {
        try folder.write("a", "old")
        let file = try make("new", isUnlinked: isUnlinked)
        let error = #expect(throws: SystemError.self) {
            try file.move(to: folder.file("a"), mode: 0o600, isReplacing: false)
        }
        #expect(error?.errno == EEXIST)
        #expect(try folder.text("a") == "old")
        try file.move(to: folder.file("a"), mode: 0o600, isReplacing: true)
        #expect(try folder.text("a") == "new")
        #expect(try folder.names == ["a"])
    }

    @Test("A copy does not change with the file")
    func copying() throws {
        let file = try make("hello")
        try file.copy(to: folder.file("a"), mode: 0o600, isReplacing: false)
        try file.write([0x21].span)
        #expect(try folder.text("a") == "hello")
    }

    @Test("A folder that does not exist is an error, and leaves nothing behind")
    func failure() throws {
        #expect(throws: SystemError.self) { try UnnamedFile(in: folder.file("none")) }
        let file = try make("hello")
        #expect(throws: SystemError.self) {
            try file.move(to: folder.file("none/a"), mode: 0o600, isReplacing: false)
        }
        try file.move(to: folder.file("a"), mode: 0o600, isReplacing: false)
        #expect(try folder.names == ["a"])
    }
}
