internal import Glibc
internal import HTTPTypes
internal import PostludeSystem

/// An open file, or a range of it.
public struct FileBody: Sendable {
    let file: OpenFile
    /// The range of bytes that are sent.
    public internal(set) var range: Range<Int>

    init(_ file: OpenFile) {
        self.file = file
        range = 0..<file.count
    }

    /// The number of bytes that are sent.
    public var count: Int { range.count }

    /// The file's path without symbolic links when it was opened; nil if it had none any more, or /proc is missing.
    public var path: String? { file.realPath }

    /// Reads the bytes in pieces.
    ///
    /// - Parameters:
    ///   - buffer: a buffer of at least one byte.
    ///   - write: called with each piece; returns false to stop.
    /// - Returns: whether `write` has taken all pieces.
    /// - Throws: `FileShrank`, or the system's error.
    func read(
        through buffer: UnsafeMutableRawBufferPointer, _ write: (UnsafeRawBufferPointer) -> Bool
    ) throws -> Bool {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(range.upperBound - offset))
            let count = try file.read(into: piece, at: offset)
            guard count > 0 else { throw FileShrank(path: path ?? "", count: file.count, end: offset) }
            guard write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(piece).prefix(count))) else {
                return false
            }
            offset += count
        }
        return true
    }

    /// Reads all bytes.
    func read() throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 8) { buffer in
            _ = try read(through: buffer) { piece in
                bytes += piece
                return true
            }
        }
        return bytes
    }
}

/// The error of a file that became shorter while it was sent, so that the response cannot be completed.
struct FileShrank: Error, CustomStringConvertible {
    let path: String
    let count: Int
    let end: Int

    var description: String {
        "\(path) had \(count) bytes and ends at \(end) now; replace a file by renaming a new one to its name"
    }
}

/// A regular file, open for reading. The file that is checked is the one that is sent, even if its path changes in the
/// meantime.
final class OpenFile: Sendable {
    let descriptor: Int32
    /// The size of the file when it was opened, in bytes.
    let count: Int
    let modified: HTTPDate
    /// A strong entity tag, made of inode, modification time and size.
    let entityTag: String
    /// The file's path without symbolic links; nil if the file has no path any more, or /proc is missing.
    let realPath: String?

    /// - Throws: `HTTPError`, 404, if there is no such regular file; the system's error if it cannot be opened.
    convenience init(_ path: String) throws {
        try self.init(path, hidesRefusal: false)
    }

    /// Opens a file by a name that a client has chosen.
    ///
    /// - Throws: `HTTPError`, 404, if there is no such regular file below `root`, or it is hidden.
    convenience init(named name: String, in root: String) throws {
        // The folders in the name are checked as well: none may be ".." or hidden.
        guard Self.isVisible(name.utf8) else { throw HTTPError(.notFound) }
        guard let realRoot = Self.realPath(of: root) else { throw SystemError("realpath(\(root))") }
        try self.init(realRoot + "/" + name, hidesRefusal: true)
        guard let realPath else {
            throw SystemError(
                "readlink(/proc/self/fd)", errno: ENOENT,
                advice: "mount /proc: without it, a file's real path is unknown")
        }
        // The path of the open file is checked, so that a link that is changed in the meantime has no effect.
        let start = (realRoot == "/" ? "/" : realRoot + "/").utf8
        guard realPath.utf8.starts(with: start), Self.isVisible(realPath.utf8.dropFirst(start.count)) else {
            throw HTTPError(.notFound)
        }
    }

    /// Whether no part of a relative path is hidden, empty, or "..".
    private static func isVisible(_ path: some Collection<UInt8>) -> Bool {
        path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .allSatisfy { !$0.isEmpty && $0.first != UInt8(ascii: ".") }
    }

    private init(_ path: String, hidesRefusal: Bool) throws {
        // The system would ignore what follows a NUL. O_NONBLOCK: opening a FIFO must not wait for a writer.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
        descriptor = path.utf8.contains(0) ? -1 : open(path, flags)
        guard descriptor >= 0 else {
            let error = path.utf8.contains(0) ? EINVAL : errno
            let isRefusal = error == EACCES || error == EPERM
            if [ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ENXIO, EINVAL].contains(error)
                || isRefusal && hidesRefusal
            {
                throw HTTPError(.notFound)
            }
            throw SystemError("open(\(path))", errno: error)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw HTTPError(.notFound)
        }
        count = Int(status.st_size)
        let (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        // The date must not be in the future (RFC 9110, 8.8.2.1).
        modified = min(HTTPDate(seconds: seconds), .now)
        let version = [
            Int64(bitPattern: UInt64(status.st_ino)), Int64(seconds), Int64(nanoseconds), Int64(count),
        ]
        let digits = version.map { String(UInt64(bitPattern: $0), radix: 16) }
        entityTag = "\"\(digits.joined(separator: "-"))\""
        realPath = status.st_nlink > 0 ? Self.linkTarget("/proc/self/fd/\(descriptor)") : nil
    }

    deinit { close(descriptor) }

    /// Reads what fits into `buffer`.
    ///
    /// - Returns: the number of bytes that were read; 0 at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
        while true {
            let read = pread(descriptor, buffer.baseAddress, buffer.count, offset)
            if read >= 0 { return read }
            if errno != EINTR { throw SystemError("pread(\(realPath ?? "a file without a name"))") }
        }
    }

    /// Returns a path without symbolic links; nil if it does not exist.
    static func realPath(of path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(validatingCString: resolved)
    }

    private static func linkTarget(_ path: String) -> String? {
        var characters = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &characters, characters.count)
        // A path that fills the buffer may be truncated.
        guard count > 0, count < characters.count else { return nil }
        return String(validating: characters[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
