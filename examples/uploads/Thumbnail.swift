internal import CPostludeGD
internal import Glibc

/// Small pictures by libgd.
enum Thumbnail {
    /// The longer side in pixels.
    static let side = 320

    /// Writes a PNG that fits a square of ``side`` pixels.
    ///
    /// - Throws: ``ImageError``; `StoreError` if the file cannot be read or the thumbnail cannot be written.
    static func make(of file: borrowing StoredFile, at path: String) throws {
        let format = try ImageHeader(of: file).format
        rewind(file.stream)
        let decoded =
            switch format {
            case .png: gdImageCreateFromPng(file.stream)
            case .jpeg: gdImageCreateFromJpeg(file.stream)
            }
        guard let image = decoded else { throw ImageError.broken }
        defer { gdImageDestroy(image) }

        let (width, height) = (Int(image.pointee.sx), Int(image.pointee.sy))
        let longer = max(width, height, side)
        let smallWidth = Int32(max(1, width * side / longer))
        let smallHeight = Int32(max(1, height * side / longer))
        guard let small = gdImageCreateTrueColor(smallWidth, smallHeight) else {
            throw StoreError("allocate")
        }
        defer { gdImageDestroy(small) }
        // Transparent pixels stay transparent.
        gdImageAlphaBlending(small, 0)
        gdImageSaveAlpha(small, 1)
        gdImageCopyResampled(
            small, image, 0, 0, 0, 0, smallWidth, smallHeight, image.pointee.sx, image.pointee.sy)
        try write(small, to: path)
    }

    private static func write(_ image: gdImagePtr, to path: String) throws {
        // Under another name first, so that a client gets the whole thumbnail or none.
        let draft = path + ".draft"
        guard let target = fopen(draft, "wbe") else { throw StoreError("create") }
        gdImagePng(image, target)
        let isWritten = ferror(target) == 0
        guard fclose(target) == 0, isWritten, rename(draft, path) == 0 else {
            let error = StoreError("write")
            unlink(draft)
            throw error
        }
    }
}
