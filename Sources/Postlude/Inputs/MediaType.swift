internal import HTTPTypes
internal import PostludeFastCGI

/// The media type of a request's body (RFC 9110, 8.3), without its parameters.
struct MediaType {
    /// In lower case; empty where the client sent none.
    let name: String

    init(of request: Request) {
        let text = request.storage.head.string("CONTENT_TYPE") ?? ""
        let name = text.prefix { $0 != ";" }
        self.name = name.filter { $0 != " " && $0 != "\t" }.lowercased()
    }

    /// `application/json`, or one that is JSON in structure: `application/problem+json` (RFC 6839, 3.1).
    var isJSON: Bool {
        name == "application/json" || name.hasPrefix("application/") && name.hasSuffix("+json")
    }

    /// - Throws: 415, which tells the client what would have been read.
    static func refuse(_ found: MediaType, expected: String) throws -> Never {
        throw HTTPError(
            .unsupportedMediaType,
            "Content-Type should be \(expected)" + (found.name.isEmpty ? "; there is none" : ""))
    }
}
