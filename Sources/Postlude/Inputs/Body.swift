internal import FoundationEssentials

/// The request's body, decoded from JSON into `Value`.
///
/// A body without any shape known before is a ``JSON``, or a `[String: JSON]`. A `Date` is written in ISO 8601, with or
/// without a fraction of a second, and with `Z` or an offset.
@dynamicMemberLookup
public struct Body<Value: Decodable>: RequestInput {
    public let value: Value

    public init(request: Request) throws {
        guard !request.body.isEmpty else { throw InputError([.missing(["body"])]) }
        // JSON is UTF-8, and has no zero bytes then; Foundation would take UTF-16 as well.
        guard !request.body.contains(0) else { throw InputError([.malformedJSON]) }
        let json = JSONBody(request.body)
        let decoder = JSONDecoder()
        decoder.userInfo[JSONBody.key] = json
        decoder.dateDecodingStrategy = .custom(DateTimeText.decode)
        do {
            value = try decoder.decode(Value.self, from: Data(request.body))
        } catch let error as DecodingError {
            // Foundation says the same of malformed JSON and of a number that does not fit: we look ourselves.
            if case .dataCorrupted(let context) = error, context.codingPath.isEmpty, json.whole == nil {
                throw InputError([.malformedJSON])
            }
            throw InputError(error, in: "body", isText: false)
        }
    }

    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension Body: Sendable where Value: Sendable {}

extension InputIssue {
    fileprivate static var malformedJSON: InputIssue {
        InputIssue(location: ["body"], message: "JSON decode error", type: "json_invalid")
    }
}
