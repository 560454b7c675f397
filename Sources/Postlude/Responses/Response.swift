public import HTTPTypes

/// The answer of a handler: a status, header fields, and a body.
///
/// `Response.json(_:status:headers:)`, `text`, `html`, `redirect`, `file`, `stream` and `events` make the usual ones.
public struct Response: Sendable {
    /// The status, with the reason phrase that is sent.
    public var status: HTTPResponse.Status
    /// The media type of the body, sent as `Content-Type`; nil sends none.
    public var contentType: String?
    /// Further header fields.
    ///
    /// Fields that only the server may send are left out: `Content-Length`, which is the body's, `Status`, and the fields
    /// that concern a connection and not the response, such as `Connection` and `Transfer-Encoding` (RFC 9110, 7.6.1). A
    /// control character in a value becomes a space.
    public var headers: HTTPFields
    /// The body. It is not sent if HTTP allows none: with the statuses 1xx, 204, 205 and 304, and in the answer to HEAD.
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

    /// A response with a body in memory; by default an empty one.
    public init(
        status: HTTPResponse.Status = .ok, contentType: String? = nil, headers: HTTPFields = [:],
        body: [UInt8] = []
    ) {
        self.init(status: status, contentType: contentType, headers: headers, body: .bytes(body))
    }
}

/// A type that a handler can return, because it can be converted to a response.
///
/// ``Response`` conforms; an application's own types can conform, too:
///
/// ```swift
/// struct Page: ResponseConvertible {
///     var title: String
///
///     func response() -> Response { .html("<!DOCTYPE html><title>\(title)</title>") }
/// }
///
/// Handler("about") { Page(title: "About") }
/// ```
///
/// If the type is also `Encodable`, it is not encoded: `response()` makes the response.
public protocol ResponseConvertible: SendableMetatype {
    /// Makes the response. Called on the worker's thread, after the handler's function.
    func response() throws -> Response

    /// The possible responses, for the API's description; by default an unspecified success.
    static var answers: [OperationDescription.ResponseDescription] { get }
}

extension ResponseConvertible {
    public static var answers: [OperationDescription.ResponseDescription] { [.unspecified] }
}

extension Response: ResponseConvertible {
    public func response() -> Response { self }
}

// Here rather than in Response, so that a handler's closure may begin with the dot: `{ .text("hello") }`.
extension ResponseConvertible where Self == Response {
    /// Returns a response with a value as JSON, in the format of the application's ``Application/json``.
    ///
    /// - Throws: what the value's `encode(to:)` throws.
    public static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        Response(
            status: status, contentType: "application/json", headers: headers,
            body: try JSONFormat.current.encode(value))
    }

    /// Returns a response with plain text in UTF-8.
    public static func text(
        _ text: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        Response(
            status: status, contentType: "text/plain; charset=utf-8", headers: headers, body: Array(text.utf8)
        )
    }

    /// Returns a response with HTML in UTF-8. Text that a client has sent must be escaped before it is inserted.
    public static func html(
        _ html: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        Response(
            status: status, contentType: "text/html; charset=utf-8", headers: headers, body: Array(html.utf8))
    }
}

extension Response {
    /// The statuses of a redirect (RFC 9110, 15.4).
    public enum Redirection: Int, Sendable, CaseIterable {
        /// Permanent; a POST may become a GET.
        case movedPermanently = 301
        /// Temporary; a POST may become a GET. ``seeOther`` and ``temporaryRedirect`` are unambiguous.
        case found = 302
        /// The client gets the result of its request from the other address, by GET: the usual answer to a posted form.
        case seeOther = 303
        /// Temporary, with the same method and body.
        case temporaryRedirect = 307
        /// Permanent, with the same method and body.
        case permanentRedirect = 308
    }
}

extension ResponseConvertible where Self == Response {
    /// Sends the client to another address.
    ///
    /// ```swift
    /// func save(form: Form<Settings>) throws -> Response {
    ///     …
    ///     return .redirect(to: "/settings")
    /// }
    /// ```
    ///
    /// Never pass input of a client, such as a parameter `next`, without a check: `https://evil.example` and
    /// `//evil.example` lead to another site under the name of yours (an open redirect). Compare it with the addresses
    /// that you know.
    ///
    /// - Parameters:
    ///   - target: a path, or a URI (RFC 3986, 4.1). Characters that a URI cannot contain are percent-encoded, such as line
    ///     breaks, backslashes and letters beyond ASCII; escapes stay as they are.
    ///   - status: 303 by default, which is right after a POST and after a GET.
    ///   - headers: further header fields.
    public static func redirect(
        to target: String, status: Response.Redirection = .seeOther, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.location] = PercentEncoding.repair(target)
        return Response(status: HTTPResponse.Status(code: status.rawValue), headers: headers)
    }
}
