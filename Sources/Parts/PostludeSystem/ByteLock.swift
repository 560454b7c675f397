internal import CPostludeLinux
import Glibc

/// A lock on one byte of a file. The kernel releases it when the process dies, for whatever reason.
///
/// It belongs to an open file description of its own (an OFD lock): it excludes other locks in the same process as well
/// as in other processes, and closing the file elsewhere in the process does not release it. A child made by `fork`
/// without `exec` shares it.
package final class ByteLock: Sendable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit {
        // A child that is being started has the descriptor, too, until its `execve` closes it.
        clinux_unlock(descriptor)
        close(descriptor)
    }

    /// Takes the lock, and makes the file if there is none.
    ///
    /// - Parameter model: a file whose owner and mode a new file gets, since root may make it.
    /// - Returns: nil if the lock is held already.
    package static func take(byte: Int64, of path: String, like model: String) throws(SystemError)
        -> ByteLock?
    {
        let lock = ByteLock(try open(path, like: model))
        guard clinux_lock_byte(lock.descriptor, byte) == 0 else {
            if errno == EAGAIN || errno == EACCES { return nil }
            throw SystemError("lock byte \(byte) of \(path)")
        }
        return lock
    }

    /// Whether one of the bytes is locked, by this process or another one.
    package static func isHeld(bytes: Range<Int64>, of path: String) throws(SystemError) -> Bool {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return false }
            throw SystemError("open(\(path))")
        }
        return try ByteLock(descriptor).sees(bytes, of: path)
    }

    /// Whether a byte of this lock's file is locked by another lock. The file may have lost its name.
    package func isHeldByOther(byte: Int64) throws(SystemError) -> Bool {
        try sees(byte..<byte + 1, of: "the file of a lock")
    }

    private func sees(_ bytes: Range<Int64>, of path: String) throws(SystemError) -> Bool {
        let answer = clinux_is_locked(descriptor, bytes.lowerBound, bytes.upperBound - bytes.lowerBound)
        guard answer >= 0 else {
            throw SystemError("look up the locks on bytes from \(bytes.lowerBound) on of \(path)")
        }
        return answer != 0
    }

    /// Whether the file at a path is this lock's file.
    package func isIn(fileAt path: String) -> Bool {
        FileIdentity(path: path).map { $0 == FileIdentity(descriptor: descriptor) } ?? false
    }

    private static func open(_ path: String, like model: String) throws(SystemError) -> Int32 {
        while true {
            let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
            if descriptor >= 0 { return descriptor }
            guard errno == ENOENT else { throw SystemError("open(\(path))") }
            let made = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            if made < 0, errno == EEXIST { continue }
            guard made >= 0 else { throw SystemError("make \(path)") }
            var status = stat()
            guard stat(model, &status) == 0 else { return made }
            guard geteuid() != 0 || fchown(made, status.st_uid, status.st_gid) == 0,
                fchmod(made, status.st_mode & 0o666) == 0
            else {
                let error = SystemError("give \(path) the owner and the mode of \(model)")
                close(made)
                throw error
            }
            return made
        }
    }
}
