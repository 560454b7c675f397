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

/// Something that a handler can return because it knows how to be a response.
///
/// ``Response`` is one; an application's own types can be others:
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
/// A type that is `Encodable` as well makes its response itself.
public protocol ResponseConvertible: SendableMetatype {
    /// Called on the worker's thread, after the handler's function.
    func response() throws -> Response

    /// What clients may get, for the API's description; by default a success of which nothing else is known.
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
    /// A value as JSON, as the application's ``Application/json`` says.
    ///
    /// - Throws: what the value's `encode(to:)` throws.
    public static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        Response(
            status: status, contentType: "application/json", headers: headers,
            body: try JSONFormat.current.encode(value))
    }

    /// Plain text in UTF-8.
    public static func text(
        _ text: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        Response(
            status: status, contentType: "text/plain; charset=utf-8", headers: headers, body: Array(text.utf8)
        )
    }

    /// HTML in UTF-8. What a client sent must be escaped before it becomes part of it.
    public static func html(
        _ html: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        Response(
            status: status, contentType: "text/html; charset=utf-8", headers: headers, body: Array(html.utf8))
    }
}

extension Response {
    /// The statuses that send a client elsewhere (RFC 9110, 15.4).
    public enum Redirection: Int, Sendable, CaseIterable {
        /// For good; a POST may become a GET.
        case movedPermanently = 301
        /// For now; a POST may become a GET. ``seeOther`` and ``temporaryRedirect`` say which.
        case found = 302
        /// The answer to what was sent is over there, to be had by GET: what follows a form that was posted.
        case seeOther = 303
        /// For now, with the same method and body.
        case temporaryRedirect = 307
        /// For good, with the same method and body.
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
    /// Never pass what a client has sent, such as a parameter `next`, without a check: `https://evil.example` and
    /// `//evil.example` lead to another site under the name of yours (an open redirect). Compare it with the addresses
    /// that you know.
    ///
    /// - Parameters:
    ///   - target: a path, or a URI (RFC 3986, 4.1). What may not stand in one is percent-encoded, line breaks,
    ///     backslashes and letters beyond ASCII among it; escapes stay as they are.
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
