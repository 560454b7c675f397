import Glibc
import PostludeSystem
import Testing

@Suite("SharedMemory")
struct SharedMemoryTests {
    @Test("Two mappings of one descriptor see the same bytes, zero at first")
    func sharing() throws {
        let memory = try SharedMemory(sharing: 8192, name: "test")
        let other = try SharedMemory(adopting: dup(memory.descriptor))
        #expect(other.byteCount == 8192)
        #expect(UnsafeRawBufferPointer(start: other.base, count: 8192).allSatisfy { $0 == 0 })
        memory.base.storeBytes(of: 0x1234, toByteOffset: 8184, as: Int.self)
        #expect(other.base.load(fromByteOffset: 8184, as: Int.self) == 0x1234)
    }

    @Test("Its size cannot change, so that no mapping loses its pages")
    func seal() throws {
        let memory = try SharedMemory(sharing: 4096, name: "test")
        #expect(ftruncate(memory.descriptor, 0) == -1 && errno == EPERM)
        #expect(ftruncate(memory.descriptor, 8192) == -1 && errno == EPERM)
    }

    @Test("Memory for the process alone has no descriptor")
    func ownMemory() throws {
        let memory = try SharedMemory(byteCount: 4096)
        #expect(memory.descriptor == -1)
        #expect(UnsafeRawBufferPointer(start: memory.base, count: 4096).allSatisfy { $0 == 0 })
    }

    @Test("An empty file is refused, and closed")
    func empty() throws {
        let file = try CapturedOutput()
        let copy = dup(file.descriptor)
        #expect(throws: SystemError.self) { try SharedMemory(adopting: copy) }
        #expect(FileIdentity(descriptor: copy) != FileIdentity(descriptor: file.descriptor))
    }
}
