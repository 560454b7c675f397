internal import HTTPTypes
internal import PostludeFastCGI
internal import PostludeJSON

/// The request's body, decoded from JSON (RFC 8259) into `Value`.
///
/// If there is no body, an optional `Value` is nil, and any other is missing (422). A body of unknown structure is decoded into
/// a ``JSONValue`` or a `[String: JSONValue]`. A `Date` is written in ISO 8601, with or without a fraction of a second, and
/// with `Z` or an offset; `Data` in Base64. Malformed JSON is answered with 422 and the position of the error, in characters
/// and as line and column.
///
/// The body is decoded if `Content-Type` is `application/json` or `application/…+json`. Any other type is answered with 415,
/// and so is a missing one, because a page of another site could send such a body in its visitor's name.
@dynamicMemberLookup
public struct JSONBody<Value: Decodable>: RequestInput {
    /// The decoded value.
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
            return JSONNodeDecoder(try JSONDocument(body: bytes), source: "body")
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

/// The request's body, decoded from a form (`application/x-www-form-urlencoded`) into `Value`.
///
/// It is decoded like a ``Query``, but an empty value counts as absent: browsers send one for every field that was not filled
/// in. A body of another type is answered with 415, one of more than 1,000 fields with 413. A missing body is a form without
/// fields.
@dynamicMemberLookup
public struct Form<Value: Decodable>: RequestInput {
    /// The decoded value.
    public let value: Value

    public init(request: Request) throws {
        let bytes = request.body
        let type = MediaType(of: request)
        if !bytes.isEmpty, type.name != "application/x-www-form-urlencoded" {
            try MediaType.refuse(type, expected: "application/x-www-form-urlencoded")
        }
        // A decoded field takes many times the two bytes that it has at least in the body.
        guard bytes.count(where: { $0 == UInt8(ascii: "&") }) < FormNode.maximumCount else {
            throw HTTPError(.contentTooLarge, "The form has more than \(FormNode.maximumCount) fields")
        }
        value = try ParametersDecoder(FormText.items(of: bytes[...]), source: "body", skipsEmpty: true)
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

/// The media type of a request's body (RFC 9110, 8.3), without its parameters.
private struct MediaType {
    /// The type in lower case; empty if the client sent none.
    let name: String

    init(of request: Request) {
        let text = request.storage.head.string("CONTENT_TYPE") ?? ""
        let name = text.prefix { $0 != ";" }
        self.name = name.filter { $0 != " " && $0 != "\t" }.lowercased()
    }

    /// Whether the type is `application/json`, or another type with JSON syntax, such as `application/problem+json` (RFC
    /// 6839, 3.1).
    var isJSON: Bool {
        name == "application/json" || name.hasPrefix("application/") && name.hasSuffix("+json")
    }

    /// Refuses a body.
    ///
    /// - Throws: ``HTTPError``, 415, which names the expected type.
    static func refuse(_ found: MediaType, expected: String) throws -> Never {
        throw HTTPError(
            .unsupportedMediaType,
            "Content-Type should be \(expected)" + (found.name.isEmpty ? "; there is none" : ""))
    }
}
