import Glibc
import Synchronization

extension UnnamedFile {
    /// Gives the file the name `path`, at once and whole; a copy gets it where the file itself cannot.
    ///
    /// - Parameters:
    ///   - mode: the file's permissions.
    ///   - isReplacing: whether a file that has the name loses it; otherwise EEXIST is thrown.
    package func move(to path: String, mode: UInt32, isReplacing: Bool) throws(SystemError) {
        guard isNameable.exchange(false, ordering: .relaxed) else {
            return try copy(to: path, mode: mode, isReplacing: isReplacing)
        }
        do {
            try setMode(mode)
            try link(to: path, isReplacing: isReplacing)
        } catch {
            isNameable.store(true, ordering: .relaxed)
            // Another file system, or one that has no links; or a name that was given is lost again.
            guard [EXDEV, EPERM, EOPNOTSUPP, EMLINK, ENOENT].contains(error.errno) else { throw error }
            try copy(to: path, mode: mode, isReplacing: isReplacing)
        }
    }

    /// Gives a copy the name `path`, at once and whole.
    package func copy(to path: String, mode: UInt32, isReplacing: Bool) throws(SystemError) {
        if let descriptor = try Self.open(in: TemporaryName.folder(of: path)) {
            let copy = UnnamedFile(descriptor, isNameable: true)
            try copyBytes(to: copy.descriptor)
            try copy.setMode(mode)
            return try copy.link(to: path, isReplacing: isReplacing)
        }
        try copyUnderName(to: path, mode: mode, isReplacing: isReplacing)
    }

    /// Does so where the file system knows no file without a name.
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
        // A link never replaces: where it is to, a name beside it takes the file first.
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
