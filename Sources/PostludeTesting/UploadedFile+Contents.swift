public import Postlude

extension UploadedFile {
    /// Creates an uploaded file for a test of a function that takes one.
    ///
    /// ```swift
    /// let letter = try UploadedFile(contents: Array("Dear Ada".utf8), filename: "letter.txt")
    /// #expect(try countWords(letter) == 2)
    /// ```
    ///
    /// It is deleted with its last copy, unless it was moved.
    ///
    /// - Parameters:
    ///   - bytes: the content of the file.
    ///   - filename: the client's name for the file; nil if it sent none.
    ///   - contentType: the `Content-Type` that the client sent; nil if it sent none.
    ///   - folder: the folder of the file until it is moved. Uploads of an application are in the manifest's
    ///     `uploads.folder`.
    /// - Throws: `UploadedFileError` if the file cannot be stored.
    public init(
        contents bytes: [UInt8], filename: String? = nil, contentType: String? = nil,
        in folder: String = "/var/tmp"
    ) throws {
        try self.init(storing: bytes, filename: filename, contentType: contentType, in: folder)
    }
}
