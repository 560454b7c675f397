internal import CPostludeLinux
import Glibc

/// A file in memory for what another program writes: nothing has to be read while it runs.
package final class CapturedOutput {
    /// To be inherited as the program's standard error.
    package let descriptor: Int32

    package init() throws(SystemError) {
        descriptor = clinux_make_memory_file("output")
        guard descriptor >= 0 else { throw SystemError("memfd_create(output)") }
    }

    deinit { close(descriptor) }

    /// The last bytes that were written, at most `limit`.
    package func end(bytes limit: Int) -> String {
        let size = max(0, Int(lseek(descriptor, 0, SEEK_END)))
        var bytes = [UInt8](repeating: 0, count: min(size, limit))
        let count = bytes.withUnsafeMutableBytes {
            pread(descriptor, $0.baseAddress, $0.count, off_t(size - $0.count))
        }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
