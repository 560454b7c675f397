public import Postlude

extension UploadedFile {
    /// Makes a file as a client's upload is one, for a test of a function that takes it.
    ///
    /// ```swift
    /// let letter = try UploadedFile(contents: Array("Dear Ada".utf8), filename: "letter.txt")
    /// #expect(try countWords(letter) == 2)
    /// ```
    ///
    /// It is deleted when its last copy is gone, unless it was moved.
    ///
    /// - Parameters:
    ///   - bytes: what is in it.
    ///   - filename: what the client calls it; nil when it does not say.
    ///   - contentType: the `Content-Type` as the client sends it; nil when it sends none.
    ///   - folder: where it lies meanwhile; uploads of the application are where its manifest says.
    /// - Throws: `UploadedFileError` when it cannot be stored.
    public init(
        contents bytes: [UInt8], filename: String? = nil, contentType: String? = nil,
        in folder: String = "/var/tmp"
    ) throws {
        try self.init(storing: bytes, filename: filename, contentType: contentType, in: folder)
    }
}
