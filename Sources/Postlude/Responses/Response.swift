public import HTTPTypes

/// What a handler answers: a status, header fields, and a body.
///
/// `Response.json(_:status:headers:)`, `text`, `html`, `redirect`, `file`, `stream` and `events` make the usual ones.
public struct Response: Sendable {
    /// The status, with the reason phrase that is sent.
    public var status: HTTPResponse.Status
    /// The media type of the body, sent as `Content-Type`; nil sends none.
    public var contentType: String?
    /// Further header fields.
    ///
    /// Left out is what only the server may say: `Content-Length`, which is the body's, `Status`, and the fields that
    /// concern one connection and not the response, such as `Connection` and `Transfer-Encoding` (RFC 9110, 7.6.1).
    /// A control character in a value becomes a space.
    public var headers: HTTPFields
    /// Not sent where HTTP allows none: with the statuses 1xx, 204, 205 and 304, and in the answer to HEAD.
    public var body: ResponseBody

    /// A response with a body of any kind.
    public init(
        status: HTTPResponse.Status = .ok, contentType: String? = nil, headers: HTTPFields = [:],
        body: ResponseBody
    ) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }

    /// A response with a body in memory; without one by default.
    public init(
        status: HTTPResponse.Status = .ok, contentType: String? = nil, headers: HTTPFields = [:],
        body: [UInt8] = []
    ) {
        self.init(status: status, contentType: contentType, headers: headers, body: .bytes(body))
    }
}
