internal import Glibc
internal import PostludeSystem

/// A file that came with a `multipart/form-data` body, stored on disk without a name.
///
/// It is deleted when the last task of its request has ended, or earlier if the process ends, unless it was moved or
/// copied to a permanent path.
///
/// ```swift
/// func keep(form: Multipart<Letter>) throws {
///     try form.letter.move(to: "/srv/letters/\(UUID()).pdf")
/// }
/// ```
public struct UploadedFile: Sendable {
    /// The file's name as the client sent it; nil if it sent none. It can be any text: see ``safeName``.
    public let filename: String?
    /// The `Content-Type` as the client sent it; nil if it sent none. The content may be of another type.
    public let contentType: String?
    /// The size in bytes.
    public let size: Int
    let storage: UnnamedFile

    init(filename: String?, contentType: String?, size: Int, storage: UnnamedFile) {
        self.filename = filename
        self.contentType = contentType
        self.size = size
        self.storage = storage
    }

    /// A path with which any library, or another process of the same user, can open the file until the last task of its
    /// request has ended. After that, the path may refer to another file.
    public var path: String { storage.path }
}

/// Decodable only as a property of the type that ``Multipart`` decodes.
extension UploadedFile: Decodable {
    public init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? MultipartFieldDecoder else { throw MisplacedUploadedFile() }
        self = try decoder.decodeFile()
    }
}

/// An error of the program, which is answered with 500 and logged.
private struct MisplacedUploadedFile: Error, CustomStringConvertible {
    var description: String {
        "an UploadedFile is decoded from a multipart/form-data body only: use Multipart<…> for its type"
    }
}

extension UploadedFile {
    /// Reads a part of the file. Several threads may read at once.
    ///
    /// - Parameters:
    ///   - offset: the position of the first byte.
    ///   - count: the largest number of bytes to read.
    /// - Returns: the bytes: fewer than `count` only at the end of the file, and none after it.
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
    ///   - count: the size of each piece in bytes; the last one may be smaller.
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

    /// Reads the whole file.
    ///
    /// - Parameter limit: the largest size in bytes to read into memory.
    /// - Throws: ``UploadedFileError`` with the code `tooLarge` if the file is larger.
    public func contents(limit: Int) throws -> [UInt8] {
        guard size <= limit else {
            throw UploadedFileError(.tooLarge, "the file has \(size) bytes, more than the limit of \(limit)")
        }
        return try read(at: 0, upTo: size)
    }

    /// Moves the file to a permanent path, atomically.
    ///
    /// Copies no data within one file system. The file stays readable through this value.
    ///
    /// - Parameters:
    ///   - path: the new path, in an existing folder. To use the client's name, use ``safeName``.
    ///   - isReplacing: whether an existing file at the path is replaced.
    ///   - permissions: the file's mode; by default only the server's user may read and write the file. If nginx is to
    ///     send it, nginx's user must be able to read it, as with `0o644`.
    /// - Throws: ``UploadedFileError``, with the code `exists` if a file exists at the path.
    public func move(to path: String, replacing isReplacing: Bool = false, permissions: UInt32 = 0o600) throws
    {
        do {
            try storage.move(to: path, mode: permissions, isReplacing: isReplacing)
        } catch {
            throw UploadedFileError(error)
        }
    }

    /// Copies the file to a permanent path; otherwise like ``move(to:replacing:permissions:)``.
    public func copy(to path: String, replacing isReplacing: Bool = false, permissions: UInt32 = 0o600) throws
    {
        do {
            try storage.copy(to: path, mode: permissions, isReplacing: isReplacing)
        } catch {
            throw UploadedFileError(error)
        }
    }
}

extension UploadedFile {
    /// A name for storing or offering the file, made from the client's name: one path component without control
    /// characters and bidirectional control characters, at most 255 bytes of UTF-8, and never empty, `.` or `..`. Several
    /// files may have the same name.
    public var safeName: String { Self.safeName(for: filename ?? "") }

    static func safeName(for filename: String) -> String {
        // Scalars, not characters: a slash with a combining accent is one character, but a slash for the file system.
        let component =
            filename.unicodeScalars.split { $0 == "/" || $0 == "\\" }.last ?? Substring().unicodeScalars
        var name = String(String.UnicodeScalarView(component.filter(isHarmless)))
        while name.first?.isWhitespace == true { name.removeFirst() }
        while name.last?.isWhitespace == true { name.removeLast() }
        name = shortened(name)
        return ["", ".", ".."].contains(name) ? "upload" : name
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: false
        default: !scalar.properties.isBidiControl
        }
    }

    /// Shortens a name to the limit of file systems (NAME_MAX), and keeps the extension.
    private static func shortened(_ name: String) -> String {
        let limit = 255
        guard name.utf8.count > limit else { return name }
        var stem = name[...]
        var suffix: Substring = ""
        if let dot = name.lastIndex(of: "."), name[dot...].utf8.count <= 16 {
            (stem, suffix) = (name[..<dot], name[dot...])
        }
        while stem.utf8.count + suffix.utf8.count > limit, !stem.isEmpty { stem.removeLast() }
        return String(stem + suffix)
    }
}

/// The reason why an uploaded file could not be read, moved or copied.
public struct UploadedFileError: Error, CustomStringConvertible, Sendable {
    /// The kinds of errors that a program may distinguish.
    public struct Code: Hashable, Sendable {
        private let name: String

        /// A file exists at the path.
        public static let exists = Code(name: "exists")
        /// The file is larger than the caller's limit.
        public static let tooLarge = Code(name: "tooLarge")
        /// The disk is full, or the user's quota is used up.
        public static let noSpace = Code(name: "noSpace")
        /// The operating system has refused for another reason.
        public static let system = Code(name: "system")
    }

    /// The kind of error.
    public let code: Code
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    init(_ error: SystemError) {
        switch error.errno {
        case EEXIST: self.init(.exists, "\(error); pass replacing: true to replace it")
        case ENOSPC, EDQUOT, EFBIG: self.init(.noSpace, "\(error)")
        default: self.init(.system, "\(error)")
        }
    }
}
