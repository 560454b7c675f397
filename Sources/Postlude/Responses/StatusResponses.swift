public import HTTPTypes

/// A response 204 No Content, which is also in the API's document. A handler that returns nothing has the same response; this
/// one can have header fields.
///
/// ```swift
/// func removeItem(id: Path<Int>) -> NoContent { NoContent(headers: [.cacheControl: "no-store"]) }
/// ```
public struct NoContent: ResponseConvertible, Sendable {
    /// Header fields.
    public var headers: HTTPFields

    /// - Parameter headers: header fields.
    public init(headers: HTTPFields = [:]) { self.headers = headers }

    public func response() -> Response { Response(status: .noContent, headers: headers) }

    public static var answers: [OperationDescription.ResponseDescription] { [.init(.noContent)] }
}

/// A response 303 See Other, which is also in the API's document: the client gets the result of its request from another address,
/// by GET. It is the usual answer to a posted form.
///
/// ```swift
/// func saveItem(id: Path<Int>, item: Form<Item>, request: Request) throws -> SeeOther {
///     SeeOther(try request.path(of: "show-item", ["id": id.value], query: ["saved": true]))
/// }
/// ```
///
/// ``ResponseConvertible/redirect(to:status:headers:)`` has the other statuses, and says which addresses are safe.
public struct SeeOther: ResponseConvertible, Sendable {
    /// The address: a path, or a URI.
    public var location: String
    /// Further header fields.
    public var headers: HTTPFields

    /// - Parameters:
    ///   - location: a path, or a URI (RFC 3986, 4.1); characters that a URI cannot contain are percent-encoded.
    ///   - headers: further header fields.
    public init(_ location: String, headers: HTTPFields = [:]) {
        self.location = location
        self.headers = headers
    }

    public func response() -> Response { .redirect(to: location, headers: headers) }

    public static var answers: [OperationDescription.ResponseDescription] { [.init(.seeOther)] }
}
