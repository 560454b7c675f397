/// The request's cookies, decoded into `Value`.
///
/// A property takes the cookie of its name exactly: give others with `@Field(name:)`. Of cookies with one name the first
/// counts, which browsers send for the longest path (RFC 6265, 5.4); an array takes all of them. See ``RequestCookies``
/// for how they are read.
@dynamicMemberLookup
public struct Cookies<Value: Decodable>: RequestInput {
    /// What was decoded.
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
