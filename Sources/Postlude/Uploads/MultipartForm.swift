internal import Glibc
internal import HTTPTypes
internal import Logging
internal import PostludeSystem

/// The fields of a `multipart/form-data` body (RFC 7578), with any names. Files are stored on disk, and deleted after the
/// request's last task.
///
/// If the names are known, ``Multipart`` decodes them into a type.
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

    /// Reads the whole body: text fields into memory, at most 1 MiB in total, and at most 100 files to disk as they
    /// arrive.
    ///
    /// - Throws: ``HTTPError``: 415 for another content type, 400 for a malformed body, 413 for one that is too large,
    ///   507 if the disk is full, 503 if the process has no free descriptor.
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
        for (_, file) in files { storage.keepAlive(file) }
    }

    public static var bodyUse: BodyUse { .stream }

    /// The text fields, in the order in which they arrived.
    public var texts: [(name: String, value: String)] {
        parts.compactMap { part in
            if case .text(let text) = part.content { (part.name, text) } else { nil }
        }
    }

    /// The files, in the order in which they arrived, without file fields that were left empty.
    public var files: [(name: String, file: UploadedFile)] {
        parts.compactMap { part in
            if case .file(let file) = part.content { (part.name, file) } else { nil }
        }
    }

    /// Returns the last text field of this name; nil if there is none.
    public func text(_ name: String) -> String? { texts.last { $0.name == name }?.value }

    /// Returns the last file of this name; nil if there is none.
    public func file(_ name: String) -> UploadedFile? { files.last { $0.name == name }?.file }

    /// Returns the HTTP error for exhausted disk space or descriptors, which is logged as well; nil for other errors.
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

/// Collects a form's text fields in memory and its files on disk.
struct MultipartCollector: MultipartSink {
    private(set) var parts: [MultipartForm.Part] = []
    private let folder: String
    private var textLeft: Int
    private let files: Int
    private var filesLeft: Int
    private var head: PartHead?
    private var text: [UInt8] = []
    /// The file of the current part. It is created when the first byte arrives, since a file field that was left empty is
    /// not a file.
    private var file: UnnamedFile?
    private var size = 0

    init(folder: String, limits: MultipartLimits = MultipartLimits()) {
        self.folder = folder
        textLeft = limits.text
        files = limits.files
        filesLeft = limits.files
    }

    mutating func beginPart(_ head: PartHead) throws {
        self.head = head
        text = []
        file = nil
        size = 0
    }

    mutating func append(_ bytes: Span<UInt8>) throws {
        guard head?.isFile == true else {
            textLeft -= bytes.count
            guard textLeft >= 0 else {
                throw HTTPError(.contentTooLarge, "The form's text fields are too large")
            }
            bytes.withUnsafeBufferPointer { text.append(contentsOf: $0) }
            return
        }
        try openFile().write(bytes)
        size += bytes.count
    }

    mutating func endPart() throws {
        guard let head else { return }
        self.head = nil
        if head.isFile {
            // Browsers send an empty name and no content for a file field that was left empty.
            if head.filename == "", size == 0 { return }
            let file = UploadedFile(
                filename: head.filename == "" ? nil : head.filename, contentType: head.contentType,
                size: size, storage: try openFile())
            parts.append(.init(name: head.name, content: .file(file)))
            self.file = nil
        } else {
            guard let text = String(validating: text, as: UTF8.self) else {
                throw HTTPError.multipart("a text field is not UTF-8")
            }
            parts.append(.init(name: head.name, content: .text(text)))
        }
    }

    private mutating func openFile() throws -> UnnamedFile {
        if let file { return file }
        guard filesLeft > 0 else {
            throw HTTPError(.contentTooLarge, "The form has more than \(files) files")
        }
        filesLeft -= 1
        let file = try UnnamedFile(in: folder)
        self.file = file
        return file
    }
}

/// The limits on the resources that a multipart body may use. The size of its files is bounded by the route's
/// `limits.body`.
struct MultipartLimits {
    /// The size of one part's header fields, in bytes.
    var head = 8 << 10
    var parts = 1_000
    /// The number of files. Each holds a descriptor until the request's last task has ended.
    var files = 100
    /// The size of all text fields together, in bytes.
    var text = 1 << 20
}
