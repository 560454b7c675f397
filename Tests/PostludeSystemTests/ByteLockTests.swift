import Glibc
import PostludeSystem
import Testing

@Suite("ByteLock")
struct ByteLockTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("locks")
    }

    private func take(_ byte: Int64) throws -> ByteLock? {
        try ByteLock.take(byte: byte, of: path, like: folder.file("model"))
    }

    @Test("A lock excludes another one on the same byte in the same process, until it is released")
    func exclusion() throws {
        var first = try take(3)
        #expect(first != nil)
        #expect(try take(3) == nil)
        #expect(try take(4) != nil)
        first = nil
        #expect(try take(3) != nil)
    }

    @Test("Closing the file elsewhere in the process does not release it")
    func closing() throws {
        let lock = try take(0)
        close(open(path, O_RDWR | O_CLOEXEC))
        #expect(try ByteLock.isHeld(bytes: 0..<1, of: path))
        withExtendedLifetime(lock) {}
    }

    @Test("It is seen in a range of bytes; a file that does not exist has none")
    func range() throws {
        #expect(try !ByteLock.isHeld(bytes: 0..<100, of: path))
        let lock = try #require(try take(7))
        #expect(try ByteLock.isHeld(bytes: 0..<8, of: path))
        #expect(try !ByteLock.isHeld(bytes: 0..<7, of: path))
        #expect(try !ByteLock.isHeld(bytes: 8..<100, of: path))
        #expect(try !lock.isHeldByOther(byte: 7), "its own lock is not another's")
        let other = try take(9)
        #expect(try lock.isHeldByOther(byte: 9))
        withExtendedLifetime(other) {}
    }

    @Test("It keeps its file after the file has lost its name")
    func identity() throws {
        let lock = try #require(try take(0))
        #expect(lock.isIn(fileAt: path))
        #expect(unlink(path) == 0)
        #expect(!lock.isIn(fileAt: path))
        try folder.write("locks")
        #expect(!lock.isIn(fileAt: path))
    }

    @Test("A new file has the mode of its model, without the right to execute")
    func model() throws {
        try folder.write("model")
        #expect(chmod(folder.file("model"), 0o751) == 0)
        let lock = try take(0)
        #expect(try folder.mode("locks") == 0o640)
        withExtendedLifetime(lock) {}
    }

    @Test("A folder that does not exist is an error that names the file")
    func failure() throws {
        let error = #expect(throws: SystemError.self) {
            try ByteLock.take(byte: 0, of: folder.file("none/locks"), like: path)
        }
        #expect(error?.errno == ENOENT)
        #expect(error?.description.contains("none/locks") == true)
    }
}
