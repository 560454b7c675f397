internal import HTTPTypes
internal import PostludeFastCGI

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

/// The media type of a request's body (RFC 9110, 8.3), without its parameters.
private struct MediaType {
    /// In lower case; empty where the client sent none.
    let name: String

    init(of request: Request) {
        let text = request.storage.head.string("CONTENT_TYPE") ?? ""
        let name = text.prefix { $0 != ";" }
        self.name = name.filter { $0 != " " && $0 != "\t" }.lowercased()
    }

    /// `application/json`, or one that is JSON in structure: `application/problem+json` (RFC 6839, 3.1).
    var isJSON: Bool {
        name == "application/json" || name.hasPrefix("application/") && name.hasSuffix("+json")
    }

    /// - Throws: 415, which tells the client what would have been read.
    static func refuse(_ found: MediaType, expected: String) throws -> Never {
        throw HTTPError(
            .unsupportedMediaType,
            "Content-Type should be \(expected)" + (found.name.isEmpty ? "; there is none" : ""))
    }
}
