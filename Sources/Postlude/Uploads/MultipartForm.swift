internal import Glibc
internal import HTTPTypes
internal import Logging
internal import PostludeSystem

/// The fields of a `multipart/form-data` body (RFC 7578), whatever their names are; files are on disk, and deleted
/// after the request's last task.
///
/// Where the names are known, ``Multipart`` decodes them into a type.
///
/// ```swift
/// func upload(form: MultipartForm) -> [String: Int] {
///     Dictionary(form.files.map { ($0.name, $0.file.size) }) { $0 + $1 }
/// }
/// ```
public struct MultipartForm: RequestInput, Sendable {
    struct Part: Sendable {
        enum Content: Sendable {
            case text(String)
            case file(UploadedFile)
        }

        let name: String
        let content: Content
    }

    let parts: [Part]

    /// Reads the whole body: text fields into memory, at most 1 MiB together, and at most 100 files to disk as they
    /// come.
    ///
    /// - Throws: ``HTTPError``: 415 for another content type, 400 for a malformed body, 413 for one that is too large,
    ///   507 when the disk is full, 503 when the process has no descriptor left.
    public init(request: Request) throws { try self.init(request: request, limits: MultipartLimits()) }

    init(request: Request, limits: MultipartLimits) throws {
        let storage = request.storage
        let boundary = try MultipartBoundary(contentType: request.header("Content-Type"))
        var parser = MultipartParser(boundary: boundary, limits: limits)
        var collector = MultipartCollector(folder: storage.uploadFolder, limits: limits)
        do {
            while let piece = try storage.body.read() { try parser.parse(piece, into: &collector) }
            try parser.finish()
        } catch let error as SystemError {
            throw Self.refusal(of: error, storing: storage.uploadFolder) ?? error
        }
        parts = collector.parts
        for (_, file) in files { storage.keep(file) }
    }

    public static var bodyUse: BodyUse { .stream }

    /// The text fields, in the order in which they came.
    public var texts: [(name: String, value: String)] {
        parts.compactMap { part in
            if case .text(let text) = part.content { (part.name, text) } else { nil }
        }
    }

    /// The files, in the order in which they came. A file field that was left empty is none.
    public var files: [(name: String, file: UploadedFile)] {
        parts.compactMap { part in
            if case .file(let file) = part.content { (part.name, file) } else { nil }
        }
    }

    /// The last text field of this name; nil when there is none.
    public func text(_ name: String) -> String? { texts.last { $0.name == name }?.value }

    /// The last file of this name; nil when there is none.
    public func file(_ name: String) -> UploadedFile? { files.last { $0.name == name }?.file }

    /// What the client is told where the server has run out of something; the log tells the person on call.
    static func refusal(of error: SystemError, storing folder: String) -> HTTPError? {
        let refusal: HTTPError
        switch error.errno {
        case ENOSPC, EDQUOT, EFBIG:
            refusal = HTTPError(.init(code: 507, reasonPhrase: "Insufficient Storage"))
        case EMFILE, ENFILE: refusal = HTTPError(.serviceUnavailable)
        default: return nil
        }
        Logger.current.error(
            "an upload could not be stored", metadata: ["folder": "\(folder)", "error": "\(error)"])
        return refusal
    }
}
