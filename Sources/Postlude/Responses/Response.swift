public import HTTPTypes

/// What a handler answers: a status, header fields, and the whole body.
///
/// `Response.json(_:status:headers:)`, `text` and `html` make the usual ones.
public struct Response: Sendable {
    public var status: HTTPResponse.Status
    /// The media type of the body, sent as `Content-Type`; nil sends none.
    public var contentType: String?
    /// Further header fields. `Content-Length` is the body's, whatever is said here; a field `Status` is left out.
    public var headers: HTTPFields
    public var body: [UInt8]

    public init(
        status: HTTPResponse.Status = .ok, contentType: String? = nil, headers: HTTPFields = [:],
        body: [UInt8] = []
    ) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }
}
