public import HTTPTypes

/// A value that is sent as JSON with a status of its own, and described so in the API's document: ``Created``, ``Accepted``,
/// or a type of yours.
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

/// 201 Created: what the request has made, and where it is.
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
    ///   - location: where the new resource is (RFC 9110, 10.2.2); what may not stand in a URI is percent-encoded.
    ///   - headers: further header fields.
    public init(_ value: Value, location: String? = nil, headers: HTTPFields = [:]) {
        self.value = value
        self.headers = headers
        if let location { self.headers[.location] = PercentEncoding.repair(location) }
    }
}

extension Created: Sendable where Value: Sendable {}

/// 202 Accepted: the request is taken, and its work is done by tasks after the response.
public struct Accepted<Value: Encodable & SendableMetatype>: ValueResponse {
    public static var status: HTTPResponse.Status { .accepted }
    public var value: Value
    public var headers: HTTPFields

    /// - Parameters:
    ///   - value: the body.
    ///   - headers: header fields.
    public init(_ value: Value, headers: HTTPFields = [:]) {
        self.value = value
        self.headers = headers
    }
}

extension Accepted: Sendable where Value: Sendable {}
