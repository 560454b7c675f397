/// Header fields, decoded into `Value`: the property `userAgent` (or `user_agent`) takes the field `User-Agent`.
///
/// Repeated fields are joined with commas, as HTTP has it (RFC 9110, 5.3).
@dynamicMemberLookup
public struct Header<Value: Decodable>: RequestInput {
    /// What was decoded.
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
    /// The issue at the name of the field, which is what the client knows.
    ///
    /// - Parameter names: of the request's fields.
    static func locating(_ issue: InputIssue, among names: [String]) -> InputIssue {
        guard issue.location.count > 1, case .key(let key) = issue.location[1] else { return issue }
        var issue = issue
        issue.location[1] = .key(names.first { matches(key, $0) } ?? dashed(key))
        return issue
    }
}
