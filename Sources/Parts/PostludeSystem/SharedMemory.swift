internal import CPostludeLinux
import Glibc

/// Memory that several processes can map: a memfd whose size is sealed, or memory of this process alone.
package final class SharedMemory: Sendable {
    /// -1 if the memory belongs to this process alone.
    package let descriptor: Int32
    package let byteCount: Int
    // Unsafe: set once. The users of the memory promise to access it only by atomic operations.
    package nonisolated(unsafe) let base: UnsafeMutableRawPointer

    /// Zeroed memory that a child can inherit.
    package convenience init(sharing byteCount: Int, name: String) throws(SystemError) {
        let descriptor = clinux_shared_memory(name, byteCount)
        guard descriptor >= 0 else { throw SystemError("memfd_create(\(name), \(byteCount) bytes)") }
        try self.init(descriptor: descriptor, byteCount: byteCount, flags: MAP_SHARED)
    }

    /// Zeroed memory of this process alone.
    package convenience init(byteCount: Int) throws(SystemError) {
        try self.init(descriptor: -1, byteCount: byteCount, flags: MAP_PRIVATE | MAP_ANONYMOUS)
    }

    /// Maps the memory of a descriptor, which this object closes, even if it throws.
    package convenience init(adopting descriptor: Int32) throws(SystemError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0 else {
            let error = SystemError("fstat(shared memory \(descriptor))")
            close(descriptor)
            throw error
        }
        try self.init(descriptor: descriptor, byteCount: Int(status.st_size), flags: MAP_SHARED)
    }

    private init(descriptor: Int32, byteCount: Int, flags: Int32) throws(SystemError) {
        self.descriptor = descriptor
        self.byteCount = byteCount
        let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else {
            let error = SystemError("mmap(\(byteCount) bytes)")
            if descriptor >= 0 { close(descriptor) }
            throw error
        }
        base = mapped
    }

    deinit {
        munmap(base, byteCount)
        if descriptor >= 0 { close(descriptor) }
    }
}
