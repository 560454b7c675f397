internal import CPostludeLinux
import Glibc
import Synchronization

/// A file without a name, which disappears with its last descriptor, even after a crash. It can be given a name.
package final class UnnamedFile: Sendable {
    package let descriptor: Int32
    /// Whether a name can be given to this file itself, and not only to a copy: once, and only if the file system
    /// supports it.
    private let isNameable: Atomic<Bool>

    /// Makes an empty file that only this process's user may read and write. It has a name for a moment if the file
    /// system does not support files without one.
    package convenience init(in folder: String) throws(SystemError) {
        if let descriptor = try Self.open(in: folder) {
            self.init(descriptor, isNameable: true)
        } else {
            try self.init(unlinkedIn: folder)
        }
    }

    /// Makes the file as on a file system that does not support files without a name.
    package convenience init(unlinkedIn folder: String) throws(SystemError) {
        let (descriptor, name) = try TemporaryName.makeFile(in: folder)
        unlink(name)
        self.init(descriptor, isNameable: false)
    }

    private init(_ descriptor: Int32, isNameable: Bool) {
        self.descriptor = descriptor
        self.isNameable = Atomic(isNameable)
    }

    deinit { close(descriptor) }

    /// A path by which libraries, and processes of the same user, can open the file.
    package var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

    /// Returns nil if the file system does not support files without a name.
    private static func open(in folder: String) throws(SystemError) -> Int32? {
        let descriptor = clinux_open_unnamed(folder, 0o600)
        if descriptor >= 0 { return descriptor }
        // EISDIR from kernels that do not know O_TMPFILE.
        if errno == EOPNOTSUPP || errno == EISDIR { return nil }
        throw SystemError("create an unnamed file in \(folder)")
    }

    /// Appends bytes.
    package func write(_ bytes: Span<UInt8>) throws(SystemError) {
        try writeAll(bytes, to: descriptor, for: "write to a file")
    }

    /// Reads bytes from an offset.
    ///
    /// - Returns: at most `count` bytes; fewer only at the end of the file.
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

/// Giving the file a name.
extension UnnamedFile {
    /// Gives the file the name `path` atomically; if the file itself cannot get it, a copy does.
    ///
    /// - Parameters:
    ///   - mode: the file's permissions.
    ///   - isReplacing: whether an existing file of that name is replaced; otherwise EEXIST is thrown.
    package func move(to path: String, mode: UInt32, isReplacing: Bool) throws(SystemError) {
        guard isNameable.exchange(false, ordering: .relaxed) else {
            return try copy(to: path, mode: mode, isReplacing: isReplacing)
        }
        do {
            try setMode(mode)
            try link(to: path, isReplacing: isReplacing)
        } catch {
            isNameable.store(true, ordering: .relaxed)
            // Another file system, or one without links; or the name that the file once had is lost.
            guard [EXDEV, EPERM, EOPNOTSUPP, EMLINK, ENOENT].contains(error.errno) else { throw error }
            try copy(to: path, mode: mode, isReplacing: isReplacing)
        }
    }

    /// Gives a copy the name `path` atomically.
    package func copy(to path: String, mode: UInt32, isReplacing: Bool) throws(SystemError) {
        if let descriptor = try Self.open(in: TemporaryName.folder(of: path)) {
            let copy = UnnamedFile(descriptor, isNameable: true)
            try copyBytes(to: copy.descriptor)
            try copy.setMode(mode)
            return try copy.link(to: path, isReplacing: isReplacing)
        }
        try copyUnderName(to: path, mode: mode, isReplacing: isReplacing)
    }

    /// Does so on a file system that does not support files without a name.
    func copyUnderName(to path: String, mode: UInt32, isReplacing: Bool) throws(SystemError) {
        let (descriptor, name) = try TemporaryName.makeFile(in: TemporaryName.folder(of: path))
        let copy = UnnamedFile(descriptor, isNameable: false)
        do {
            try copyBytes(to: copy.descriptor)
            try copy.setMode(mode)
            try TemporaryName.rename(name, to: path, isReplacing: isReplacing)
        } catch {
            unlink(name)
            throw error
        }
    }

    private func setMode(_ mode: UInt32) throws(SystemError) {
        guard fchmod(descriptor, mode) == 0 else { throw SystemError("fchmod") }
    }

    private func link(to path: String, isReplacing: Bool) throws(SystemError) {
        // A link cannot replace a file: to do so, the file first gets a temporary name.
        let name = isReplacing ? TemporaryName.random(in: TemporaryName.folder(of: path)) : path
        guard linkat(AT_FDCWD, self.path, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 else {
            throw SystemError("link a file to \(path)")
        }
        guard isReplacing, rename(name, path) != 0 else { return }
        let error = SystemError("rename a file to \(path)")
        unlink(name)
        throw error
    }

    private func copyBytes(to target: Int32) throws(SystemError) {
        var offset: off_t = 0
        while true {
            let count = sendfile(target, descriptor, &offset, 1 << 20)
            if count == 0 { return }
            guard count > 0 || errno == EINTR else { throw SystemError("copy a file") }
        }
    }
}

/// Temporary names, before a file gets its own.
enum TemporaryName {
    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func random(in folder: String) -> String {
        "\(folder)/.postlude-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
    }

    static func makeFile(in folder: String) throws(SystemError) -> (descriptor: Int32, name: String) {
        var name = Array("\(folder)/.postlude-XXXXXX".utf8CString)
        let descriptor = clinux_make_temporary(&name)
        guard descriptor >= 0 else { throw SystemError("create a file in \(folder)") }
        return (descriptor, String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
    }

    static func rename(_ name: String, to path: String, isReplacing: Bool) throws(SystemError) {
        if isReplacing {
            guard Glibc.rename(name, path) == 0 else { throw SystemError("rename a file to \(path)") }
        } else if clinux_rename_exclusively(name, path) != 0 {
            // File systems without this kind of rename often have links.
            guard errno == EINVAL, Glibc.link(name, path) == 0 else {
                throw SystemError("rename a file to \(path)")
            }
            unlink(name)
        }
    }
}
