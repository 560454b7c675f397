internal import CLinux
import Glibc

/// A lock on one byte of a file, which the kernel releases when its owner dies, whatever the reason.
///
/// It belongs to an open file description of its own (an OFD lock): another lock in the same process excludes it as one
/// in another process does, and closing the file elsewhere in the process does not release it. Who forks without an
/// `exec` shares it with the child.
package final class ByteLock: Sendable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Takes the lock; the file is made where there is none.
    ///
    /// - Returns: nil where somebody else has it.
    package static func take(byte: Int64, of path: String) throws(SystemError) -> ByteLock? {
        let lock = ByteLock(try open(path))
        guard clinux_lock_byte(lock.descriptor, byte) == 0 else {
            if errno == EAGAIN || errno == EACCES { return nil }
            throw SystemError("lock byte \(byte) of \(path)")
        }
        return lock
    }

    /// Whether somebody has the lock on a byte: this process or another one.
    package static func isHeld(byte: Int64, of path: String) throws(SystemError) -> Bool {
        let prober = ByteLock(try open(path))
        let answer = clinux_is_byte_locked(prober.descriptor, byte)
        guard answer >= 0 else { throw SystemError("look up the lock on byte \(byte) of \(path)") }
        return answer != 0
    }

    private static func open(_ path: String) throws(SystemError) -> Int32 {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open(\(path))") }
        return descriptor
    }
}
