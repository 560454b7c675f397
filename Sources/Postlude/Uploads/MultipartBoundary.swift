internal import HTTPTypes

/// What separates the parts of a multipart body (RFC 2046, 5.1.1).
struct MultipartBoundary {
    let bytes: [UInt8]

    /// - Throws: 415 for a Content-Type that is not `multipart/form-data`, or has no sound boundary.
    init(contentType: String?) throws(HTTPError) {
        guard let field = contentType.flatMap({ MediaParameters($0.utf8) }),
            field.value == "multipart/form-data"
        else { throw HTTPError(.unsupportedMediaType, "The body must be multipart/form-data") }
        guard let boundary = field["boundary"], (1...Self.maximumLength).contains(boundary.count),
            boundary.last != space, boundary.allSatisfy(Self.isAllowed)
        else {
            throw HTTPError(
                .unsupportedMediaType,
                "multipart/form-data must have a boundary of at most \(Self.maximumLength) visible ASCII characters"
            )
        }
        bytes = boundary
    }

    /// RFC 2046 ends at 70 and at some marks; clients do not, and other servers take what they write.
    private static let maximumLength = 1_000

    /// Quotation marks and backslashes could be read in two ways.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        (0x20...0x7e).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }
}

private let space = UInt8(ascii: " ")
