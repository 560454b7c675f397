internal import PostludeRouting

/// The parameters of the route's pattern, decoded into `Value`.
///
/// A struct takes them by name; a scalar takes the only one. A value of the wrong type is answered with 422; one that does not
/// match the pattern does not match the route at all (404). A `Date` is written in ISO 8601.
@dynamicMemberLookup
public struct Path<Value: Decodable>: RequestInput {
    /// The decoded value.
    public let value: Value

    public init(request: Request) throws {
        value = try ParametersDecoder(request.parameters.pairs, source: "path").decodeInput(Value.self)
    }

    /// A member of the value.
    @inlinable
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension Path: Sendable where Value: Sendable {}

/// The query's parameters (`application/x-www-form-urlencoded`, after the `?`), decoded into `Value`.
///
/// An optional property may be absent; an array takes every value of its name; any other property takes the last one. A scalar
/// takes the only parameter; an optional scalar is nil if there is none. A `Date` is written in ISO 8601.
@dynamicMemberLookup
public struct Query<Value: Decodable>: RequestInput {
    /// The decoded value.
    public let value: Value

    public init(request: Request) throws {
        value = try ParametersDecoder(
            FormText.items(of: request.storage.path.query), source: "query"
        ).decodeInput(Value.self)
    }

    /// A member of the value.
    @inlinable
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension Query: Sendable where Value: Sendable {}

/// Header fields, decoded into `Value`: the property `userAgent` (or `user_agent`) takes the field `User-Agent`.
///
/// Repeated fields are joined with commas (RFC 9110, 5.3).
@dynamicMemberLookup
public struct Header<Value: Decodable>: RequestInput {
    /// The decoded value.
    public let value: Value

    public init(request: Request) throws {
        let decoder = ParametersDecoder(headerOf: request.storage.head)
        do {
            value = try decoder.decodeInput(Value.self)
        } catch let error as InputError {
            throw InputError(error.issues.map { FieldName.locating($0, among: decoder.values.map(\.name)) })
        }
    }

    /// A member of the value.
    @inlinable
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension Header: Sendable where Value: Sendable {}

extension FieldName {
    /// Returns the issue with the name of the header field in its location, instead of the property's.
    ///
    /// - Parameter names: the names of the request's fields.
    static func locating(_ issue: InputIssue, among names: [String]) -> InputIssue {
        guard issue.location.count > 1, case .key(let key) = issue.location[1] else { return issue }
        var issue = issue
        issue.location[1] = .key(names.first { matches(key, $0) } ?? dashed(key))
        return issue
    }
}

/// The request's cookies, decoded into `Value`.
///
/// A property takes the cookie with exactly its name; `@Field(name:)` gives it another one. Of several cookies with one name,
/// the first counts, which browsers send for the longest path (RFC 6265, 5.4); an array takes all of them. See
/// ``RequestCookies`` for how they are read.
@dynamicMemberLookup
public struct Cookies<Value: Decodable>: RequestInput {
    /// The decoded value.
    public let value: Value

    public init(request: Request) throws {
        value = try ParametersDecoder(request.cookies.pairs, source: "cookie", choosing: .first)
            .decodeInput(Value.self)
    }

    /// A member of the value.
    @inlinable
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension Cookies: Sendable where Value: Sendable {}
