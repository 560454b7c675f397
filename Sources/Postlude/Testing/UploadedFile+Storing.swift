internal import PostludeSystem

extension UploadedFile {
    /// Stores bytes as if a client had sent them.
    ///
    /// - Parameter folder: where the file lies, without a name, until its last copy is gone.
    package init(storing bytes: [UInt8], filename: String?, contentType: String?, in folder: String) throws {
        do {
            let file = try UnnamedFile(in: folder)
            try file.write(bytes.span)
            self.init(filename: filename, contentType: contentType, size: bytes.count, storage: file)
        } catch {
            throw UploadedFileError(error)
        }
    }
}
