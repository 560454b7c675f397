internal import Linux

/// A request's body as ``JSON``, made when a part of it is asked for.
final class JSONBody: Sendable {
    static let key: CodingUserInfoKey = {
        guard let key = CodingUserInfoKey(rawValue: "postlude.body") else { preconditionFailure("a name") }
        return key
    }()

    private let bytes: [UInt8]
    private let parsed = Lock<JSON??>(nil)

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The whole value; nil when the body is malformed.
    var whole: JSON? {
        parsed.withLock { parsed in
            if let parsed { return parsed }
            let value = JSONText.value(of: bytes)
            parsed = .some(value)
            return value
        }
    }

    /// The value at a decoder's place.
    func value(at path: [any CodingKey]) -> JSON? {
        path.reduce(whole) { value, key in
            switch value {
            case .object(let members): members[key.stringValue]
            case .array(let elements):
                key.intValue.flatMap { elements.indices.contains($0) ? elements[$0] : nil }
            default: nil
            }
        }
    }
}
