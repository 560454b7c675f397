internal import FoundationEssentials
public import HTTPTypes

/// What a handler answers: a status, header fields, and the whole body.
public struct Response: Sendable {
    public var status: HTTPResponse.Status
    /// The media type of the body, sent as `Content-Type`; nil sends none.
    public var contentType: String?
    /// Further header fields. `Content-Length` is added by the server.
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

    /// A value as JSON.
    ///
    /// - Throws: what the value's `encode(to:)` throws.
    public static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        let encoder = JSONEncoder()
        // Sorted, so that equal values make equal bodies, and so equal ETags.
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Response(
            status: status, contentType: "application/json", headers: headers,
            body: Array(try encoder.encode(value)))
    }

    public static func text(
        _ text: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        Response(
            status: status, contentType: "text/plain; charset=utf-8", headers: headers, body: Array(text.utf8)
        )
    }

    public static func html(
        _ html: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        Response(
            status: status, contentType: "text/html; charset=utf-8", headers: headers, body: Array(html.utf8))
    }
}
