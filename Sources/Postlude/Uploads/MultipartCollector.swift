internal import HTTPTypes
internal import PostludeSystem

/// Collects a form's text fields in memory and its files on disk.
struct MultipartCollector: MultipartSink {
    private(set) var parts: [MultipartForm.Part] = []
    private let folder: String
    private var textLeft: Int
    private let files: Int
    private var filesLeft: Int
    private var head: PartHead?
    private var text: [UInt8] = []
    /// Made when its first byte comes, since a file field that was left empty is not a file.
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
            // What a browser sends for a file field that was left empty.
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
