internal import Glibc
internal import PostludeSystem

extension UploadedFile {
    /// Reads a part of the file; several threads may do so at once.
    ///
    /// - Parameters:
    ///   - offset: in bytes from the file's beginning.
    ///   - count: how many bytes to read at most.
    /// - Returns: fewer bytes than `count` at the file's end only, and none after it.
    public func read(at offset: Int, upTo count: Int = 64 << 10) throws -> [UInt8] {
        guard offset >= 0, offset < size, count > 0 else { return [] }
        do {
            return try storage.read(from: offset, count: min(count, size - offset))
        } catch {
            throw UploadedFileError(error)
        }
    }

    /// Reads the file from its beginning to its end, one piece after another.
    ///
    /// - Parameters:
    ///   - count: how many bytes a piece has, the last one excepted.
    ///   - body: called with each piece.
    public func forEachPiece(of count: Int = 64 << 10, _ body: ([UInt8]) throws -> Void) throws {
        var offset = 0
        while true {
            let piece = try read(at: offset, upTo: count)
            guard !piece.isEmpty else { return }
            try body(piece)
            offset += piece.count
        }
    }

    /// The whole file.
    ///
    /// - Parameter limit: how many bytes may be read into memory.
    /// - Throws: ``UploadedFileError`` of the code `tooLarge` when the file is larger.
    public func contents(limit: Int) throws -> [UInt8] {
        guard size <= limit else {
            throw UploadedFileError(.tooLarge, "the file has \(size) bytes, more than the limit of \(limit)")
        }
        return try read(at: 0, upTo: size)
    }

    /// Keeps the file for good, under a name of its own, which it gets at once and whole.
    ///
    /// Within a file system nothing is copied. The file stays readable here as well.
    ///
    /// - Parameters:
    ///   - path: of the file, in a folder that exists. To name it as the client does, use ``safeName``.
    ///   - isReplacing: whether a file that is there already is replaced.
    ///   - permissions: the file's mode; by default only the server's user may read and write it. For nginx to send
    ///     it, its user must be able to read it, as with `0o644`.
    /// - Throws: ``UploadedFileError``, of the code `exists` when there is a file already.
    public func move(to path: String, replacing isReplacing: Bool = false, permissions: UInt32 = 0o600) throws
    {
        do {
            try storage.move(to: path, mode: permissions, isReplacing: isReplacing)
        } catch {
            throw UploadedFileError(error)
        }
    }

    /// Keeps a copy of the file for good; otherwise as ``move(to:replacing:permissions:)``.
    public func copy(to path: String, replacing isReplacing: Bool = false, permissions: UInt32 = 0o600) throws
    {
        do {
            try storage.copy(to: path, mode: permissions, isReplacing: isReplacing)
        } catch {
            throw UploadedFileError(error)
        }
    }
}
