/// The request's body, decoded from JSON (RFC 8259) into `Value`.
///
/// Without a body an optional `Value` is nil, and any other is missing (422). A body without any shape known before is a
/// ``JSONValue``, or a `[String: JSONValue]`. A `Date` is written in ISO 8601, with or
/// without a fraction of a second, and with `Z` or an offset; `Data` in Base64. What is malformed is answered with 422
/// and its position, in characters, line and column.
///
/// The body is read when `Content-Type` is `application/json` or `application/…+json`. Anything else is answered with
/// 415, also no `Content-Type` at all: a page of another site could send such a body in its visitor's name.
@dynamicMemberLookup
public struct JSONBody<Value: Decodable>: RequestInput {
    /// What was decoded.
    public let value: Value

    public init(request: Request) throws {
        value = try Self.decoder(for: request).decodeInput(Value.self)
    }

    private static func decoder(for request: Request) throws -> JSONNodeDecoder {
        let bytes = request.body
        guard !bytes.isEmpty else { return JSONNodeDecoder(absent: "body") }
        let type = MediaType(of: request)
        if !type.isJSON { try MediaType.refuse(type, expected: "application/json") }
        do throws(JSONSyntaxError) {
            return JSONNodeDecoder(try JSONText.read(bytes), source: "body")
        } catch {
            throw InputError([error.issue])
        }
    }

    public static var bodyUse: BodyUse { .whole }

    /// A member of the value.
    @inlinable
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension JSONBody: Sendable where Value: Sendable {}
