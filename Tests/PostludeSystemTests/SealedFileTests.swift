import Glibc
import PostludeSystem
import Testing

@Suite("SealedFile")
struct SealedFileTests {
    @Test("Its bytes can be read, also through a copy of its descriptor", arguments: [0, 5, 200_000])
    func bytes(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let file = try SealedFile("test", bytes)
        #expect(try file.bytes() == bytes)
        #expect(try file.bytes() == bytes)
        let adopted = SealedFile(adopting: dup(file.descriptor))
        #expect(try adopted.bytes() == bytes)
        #expect(fcntl(adopted.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test("Its contents cannot change")
    func seals() throws {
        let file = try SealedFile("test", [1, 2, 3])
        #expect(pwrite(file.descriptor, "a", 1, 0) == -1 && errno == EPERM)
        #expect(ftruncate(file.descriptor, 0) == -1 && errno == EPERM)
        #expect(ftruncate(file.descriptor, 10) == -1 && errno == EPERM)
        #expect(try file.bytes() == [1, 2, 3])
    }
}
