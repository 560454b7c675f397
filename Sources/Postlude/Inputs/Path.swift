/// The parameters of the route's pattern, decoded into `Value`.
///
/// A struct takes them by name; a scalar takes the only one. A value that does not fit is answered with 422; one that
/// does not match the pattern does not match the route at all (404). A `Date` is written in ISO
/// 8601.
@dynamicMemberLookup
public struct Path<Value: Decodable>: RequestInput {
    /// What was decoded.
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
