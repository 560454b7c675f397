public import HTTPTypes

/// A value that is sent as JSON with the status of its type, which is also that in the API's document: ``Created``,
/// ``Accepted``, or a type of the application.
///
/// ```swift
/// struct Superseded<Value: Encodable & SendableMetatype>: ValueResponse {
///     static var status: HTTPResponse.Status { .conflict }
///     var value: Value
/// }
/// ```
public protocol ValueResponse: ResponseConvertible {
    /// The body's type.
    associatedtype Value: Encodable & SendableMetatype

    /// The response's status.
    static var status: HTTPResponse.Status { get }
    /// The body.
    var value: Value { get }
    /// Further header fields; by default none.
    var headers: HTTPFields { get }
}

extension ValueResponse {
    public var headers: HTTPFields { [:] }
    public func response() throws -> Response { try .json(value, status: Self.status, headers: headers) }
}

/// A response 201 Created: the resource that the request has made, and its location.
///
/// ```swift
/// func addItem(item: JSONBody<Item>, request: Request) throws -> Created<Item> {
///     Created(item.value, location: try request.path(of: "show-item", ["id": item.id]))
/// }
/// ```
public struct Created<Value: Encodable & SendableMetatype>: ValueResponse {
    public static var status: HTTPResponse.Status { .created }
    public var value: Value
    public var headers: HTTPFields

    /// - Parameters:
    ///   - value: the body.
    ///   - location: the new resource's URI (RFC 9110, 10.2.2); characters that a URI cannot contain are percent-encoded.
    ///   - headers: further header fields.
    public init(_ value: Value, location: String? = nil, headers: HTTPFields = [:]) {
        self.value = value
        self.headers = headers
        if let location { self.headers[.location] = PercentEncoding.repair(location) }
    }
}

extension Created: Sendable where Value: Sendable {}

/// A response 202 Accepted: the request is accepted, and tasks do its work after the response.
///
/// ```swift
/// func buildItem(item: JSONBody<Item>, request: Request) throws -> Accepted<Item> {
///     Accepted(item.value, location: try request.path(of: "show-progress", ["id": item.id]))
/// }
/// ```
public struct Accepted<Value: Encodable & SendableMetatype>: ValueResponse {
    public static var status: HTTPResponse.Status { .accepted }
    public var value: Value
    public var headers: HTTPFields

    /// - Parameters:
    ///   - value: the body.
    ///   - location: the URI at which the client can follow the work (RFC 9110, 15.3.3); characters that a URI cannot contain are
    ///     percent-encoded.
    ///   - headers: further header fields.
    public init(_ value: Value, location: String? = nil, headers: HTTPFields = [:]) {
        self.value = value
        self.headers = headers
        if let location { self.headers[.location] = PercentEncoding.repair(location) }
    }
}

extension Accepted: Sendable where Value: Sendable {}
