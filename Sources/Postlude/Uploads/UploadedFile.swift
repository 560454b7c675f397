internal import Glibc
internal import PostludeSystem

/// A file that came with a `multipart/form-data` body, stored on disk without a name.
///
/// It is deleted when the last task of its request has ended, or earlier when the process ends, unless it was moved or
/// copied to a place of its own.
///
/// ```swift
/// func keep(form: Multipart<Letter>) throws {
///     try form.letter.move(to: "/srv/letters/\(UUID()).pdf")
/// }
/// ```
public struct UploadedFile: Sendable {
    /// What the client calls the file; nil when it did not say. It can be anything: see ``safeName``.
    public let filename: String?
    /// The `Content-Type` as the client sent it; nil when it did not. The content may be of another type.
    public let contentType: String?
    /// In bytes.
    public let size: Int
    let storage: UnnamedFile

    init(filename: String?, contentType: String?, size: Int, storage: UnnamedFile) {
        self.filename = filename
        self.contentType = contentType
        self.size = size
        self.storage = storage
    }

    /// A path by which any library, or another process of the same user, can open the file while it lives: until the
    /// last task of its request has ended. Later it may mean another file.
    public var path: String { storage.path }
}

/// Only inside of the type that ``Multipart`` decodes.
extension UploadedFile: Decodable {
    public init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? MultipartFieldDecoder else { throw MisplacedUploadedFile() }
        self = try decoder.decodeFile()
    }
}

/// A program's mistake: answered with 500, and logged.
private struct MisplacedUploadedFile: Error, CustomStringConvertible {
    var description: String {
        "an UploadedFile is decoded from a multipart/form-data body only: use Multipart<…> for its type"
    }
}

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

extension UploadedFile {
    /// A name under which a file can be stored or offered, made of what the client calls it: one path component without
    /// control characters or marks that turn the writing direction, at most 255 bytes of UTF-8, never empty, `.` or
    /// `..`. Several files may have the same one.
    public var safeName: String { Self.safeName(for: filename ?? "") }

    static func safeName(for filename: String) -> String {
        // Scalars, not characters: a slash with an accent is one character, and a slash for the file system.
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

    /// What file systems take (NAME_MAX), with the extension.
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

/// Why an uploaded file could not be read or kept.
public struct UploadedFileError: Error, CustomStringConvertible, Sendable {
    /// The kinds of errors that a program may tell apart.
    public struct Code: Hashable, Sendable {
        private let name: String

        /// There is a file of that name already.
        public static let exists = Code(name: "exists")
        /// The file is larger than the limit that the caller has set.
        public static let tooLarge = Code(name: "tooLarge")
        /// The disk is full, or the user's share of it.
        public static let noSpace = Code(name: "noSpace")
        /// The operating system has refused for another reason.
        public static let system = Code(name: "system")
    }

    /// Which kind of error it is.
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
