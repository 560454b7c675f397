internal import PostludeRouting

/// The query's parameters (`application/x-www-form-urlencoded`, after the `?`), decoded into `Value`.
///
/// An optional property may be absent; an array takes every value of its name; otherwise the last one counts. A scalar
/// takes the only parameter there is, and an optional one is nil without any. A `Date` is written in ISO 8601.
@dynamicMemberLookup
public struct Query<Value: Decodable>: RequestInput {
    /// What was decoded.
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
