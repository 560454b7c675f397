/// The reason why there is no thumbnail, for the user that has sent the file.
enum ImageError: Error, CustomStringConvertible {
    case unknownFormat
    case tooLarge(width: Int, height: Int)
    case broken

    var description: String {
        switch self {
        case .unknownFormat: "No thumbnail: the file is neither a PNG nor a JPEG image"
        case .tooLarge(let width, let height):
            "No thumbnail: the image has \(width) × \(height) pixels, more than \(ImageHeader.maximumPixels)"
        case .broken: "No thumbnail: the image is damaged"
        }
    }
}
