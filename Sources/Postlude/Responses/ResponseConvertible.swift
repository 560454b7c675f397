public import HTTPTypes

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
