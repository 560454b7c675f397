internal import CPostludeLinux
import Glibc

/// An immutable file in memory, which processes pass to each other by descriptor.
package final class SealedFile: Sendable {
    package let descriptor: Int32

    /// - Parameter name: the name that /proc shows.
    package init(_ name: String, _ bytes: [UInt8]) throws(SystemError) {
        descriptor = clinux_make_memory_file(name)
        guard descriptor >= 0 else { throw SystemError("memfd_create(\(name))") }
        try writeAll(bytes.span, to: descriptor, for: "write(\(name), \(bytes.count) bytes)")
        guard clinux_seal(descriptor) == 0 else { throw SystemError("fcntl(F_ADD_SEALS, \(name))") }
    }

    /// - Parameter descriptor: a descriptor that this object then closes.
    package init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit { close(descriptor) }

    /// Reads the whole content. The position of the descriptor, which other processes share, does not change.
    package func bytes() throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let offset = off_t(bytes.count)
            let count = piece.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, offset) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError("pread(sealed file)") }
            if count == 0 { return bytes }
            bytes += piece.prefix(count)
        }
    }
}

/// A file in memory that captures the output of another program, so that nothing need be read while it runs.
package final class CapturedOutput {
    /// The descriptor that the program inherits as its standard error.
    package let descriptor: Int32

    package init() throws(SystemError) {
        descriptor = clinux_make_memory_file("output")
        guard descriptor >= 0 else { throw SystemError("memfd_create(output)") }
    }

    deinit { close(descriptor) }

    /// Returns the last bytes written, at most `limit`, as text.
    package func end(bytes limit: Int) -> String {
        let size = max(0, Int(lseek(descriptor, 0, SEEK_END)))
        var bytes = [UInt8](repeating: 0, count: min(size, limit))
        let count = bytes.withUnsafeMutableBytes {
            pread(descriptor, $0.baseAddress, $0.count, off_t(size - $0.count))
        }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
