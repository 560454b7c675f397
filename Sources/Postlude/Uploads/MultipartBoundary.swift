internal import HTTPTypes

/// What separates the parts of a multipart body (RFC 2046, 5.1.1).
struct MultipartBoundary {
    let bytes: [UInt8]

    /// - Throws: 415 for a Content-Type that is not `multipart/form-data`, or has no sound boundary.
    init(contentType: String?) throws(HTTPError) {
        guard let field = contentType.flatMap({ MediaParameters($0.utf8) }),
            field.value == "multipart/form-data"
        else { throw HTTPError(.unsupportedMediaType, "The body must be multipart/form-data") }
        guard let boundary = field["boundary"], (1...70).contains(boundary.count), boundary.last != space,
            boundary.allSatisfy(Self.isAllowed)
        else {
            throw HTTPError(
                .unsupportedMediaType, "multipart/form-data must have a boundary as RFC 2046, 5.1.1 has it")
        }
        bytes = boundary
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "'()+_,-./:=? ".utf8.contains(byte)
        }
    }
}

private let space = UInt8(ascii: " ")
