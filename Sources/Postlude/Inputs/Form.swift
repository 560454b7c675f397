internal import HTTPTypes

/// The request's body, decoded from a form (`application/x-www-form-urlencoded`) into `Value`.
///
/// It is decoded as a ``Query`` is, but an empty value counts as left out: browsers send one for every field that was
/// not filled in. A body of another type is answered with 415, one of more than 1,000 fields with 413; no body is a form
/// without any field.
@dynamicMemberLookup
public struct Form<Value: Decodable>: RequestInput {
    /// What was decoded.
    public let value: Value

    public init(request: Request) throws {
        let bytes = request.body
        let type = MediaType(of: request)
        if !bytes.isEmpty, type.name != "application/x-www-form-urlencoded" {
            try MediaType.refuse(type, expected: "application/x-www-form-urlencoded")
        }
        // Each field takes many times its two bytes.
        guard bytes.count(where: { $0 == UInt8(ascii: "&") }) < maximumFieldCount else {
            throw HTTPError(.contentTooLarge, "The form has more than \(maximumFieldCount) fields")
        }
        value = try ParametersDecoder(FormText.items(of: bytes), source: "body", skipsEmpty: true)
            .decodeInput(Value.self)
    }

    public static var bodyUse: BodyUse { .whole }

    /// A member of the value.
    @inlinable
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension Form: Sendable where Value: Sendable {}

/// As for the parts of a ``Multipart``.
private let maximumFieldCount = 1_000
