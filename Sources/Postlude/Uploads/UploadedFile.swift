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
        "an UploadedFile is decoded from a multipart/form-data body only: take its type by Multipart<…>"
    }
}
