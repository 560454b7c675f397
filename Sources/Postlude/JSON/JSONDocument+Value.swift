internal import PostludeJSON

extension JSONDocument {
    /// A little less than Foundation's encoder writes (511), so that an answer can contain what was read.
    static let maximumDepth = 500

    /// Scans a body.
    convenience init(body bytes: [UInt8]) throws(JSONSyntaxError) {
        // Foundation, too, ignores a byte order mark.
        try self.init(scanning: bytes, maximumDepth: Self.maximumDepth, skipsByteOrderMark: true)
    }

    /// The value at a node, of any shape.
    ///
    /// - Throws: the index of a number that is too large for a Double.
    func value(at index: Int) throws(NumberOutOfRange) -> JSONValue {
        switch nodes[index].kind {
        case .null: return .null
        case .true: return .bool(true)
        case .false: return .bool(false)
        case .string: return .string(string(at: index))
        case .number:
            if let value = integer(at: index) { return .integer(value) }
            guard let value = number(at: index) else { throw NumberOutOfRange(index: index) }
            return .number(value)
        case .array:
            var elements: [JSONValue] = []
            for index in indices(of: index) { elements.append(try value(at: index)) }
            return .array(elements)
        case .object:
            var members: [String: JSONValue] = [:]
            for index in indices(of: index) {
                members[string(at: index)] = try value(at: value(ofName: index))
            }
            return .object(members)
        }
    }

    struct NumberOutOfRange: Error {
        let index: Int
    }
}

extension JSONValue {
    /// The value as which another value is encoded.
    init(encoding value: some Encodable) throws {
        self = try JSONDocument(body: try JSONFormat().encode(value)).value(at: 0)
    }

    init(_ value: some FixedWidthInteger) {
        self = Int(exactly: value).map(JSONValue.integer) ?? .number(Double(value))
    }
}
