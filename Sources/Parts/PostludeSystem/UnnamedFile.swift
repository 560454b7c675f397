internal import CPostludeLinux
import Glibc
import Synchronization

/// A file that is in no folder, and so is gone with its last descriptor, also after a crash; it can be given a name.
package final class UnnamedFile: Sendable {
    package let descriptor: Int32
    /// Whether a name can be given to this file itself, rather than to a copy: once, and where the file system can.
    let isNameable: Atomic<Bool>

    /// Makes an empty file that only this process's user may read and write, with a name for a moment where the file
    /// system knows no file without.
    package convenience init(in folder: String) throws(SystemError) {
        if let descriptor = try Self.open(in: folder) {
            self.init(descriptor, isNameable: true)
        } else {
            try self.init(unlinkedIn: folder)
        }
    }

    /// Makes the file as it is made where the file system knows no file without a name.
    package convenience init(unlinkedIn folder: String) throws(SystemError) {
        let (descriptor, name) = try TemporaryName.makeFile(in: folder)
        unlink(name)
        self.init(descriptor, isNameable: false)
    }

    init(_ descriptor: Int32, isNameable: Bool) {
        self.descriptor = descriptor
        self.isNameable = Atomic(isNameable)
    }

    deinit { close(descriptor) }

    /// By this every library, and every process of the same user, can open the file.
    package var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

    /// nil if the file system knows no file without a name.
    static func open(in folder: String) throws(SystemError) -> Int32? {
        let descriptor = clinux_open_unnamed(folder, 0o600)
        if descriptor >= 0 { return descriptor }
        // EISDIR from kernels that do not know of it.
        if errno == EOPNOTSUPP || errno == EISDIR { return nil }
        throw SystemError("make a file without a name in \(folder)")
    }

    /// Appends bytes.
    package func write(_ bytes: Span<UInt8>) throws(SystemError) {
        var start = 0
        while start < bytes.count {
            let count = bytes.extracting(start...).withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 {
                start += count
            } else if errno != EINTR {
                throw SystemError("write to a file")
            }
        }
    }

    /// - Returns: at most `count` bytes; fewer at the file's end only.
    package func read(from offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let read = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled)
                )
                if read > 0 {
                    filled += read
                } else if read == 0 {
                    break
                } else if errno != EINTR {
                    failure = SystemError("read from a file")
                    break
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
