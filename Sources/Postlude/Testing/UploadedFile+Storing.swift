internal import PostludeSystem

extension UploadedFile {
    /// Stores bytes as an uploaded file.
    ///
    /// - Parameter folder: the folder of the file, which has no name, and is deleted with its last copy.
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
