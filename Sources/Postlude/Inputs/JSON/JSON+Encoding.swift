internal import FoundationEssentials

extension JSON {
    /// What a value is encoded as, with its dates in ISO 8601.
    init(encoding value: any Encodable) throws {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        let document = try JSONText.read(Array(try encoder.encode(value)))
        self = try document.value(at: 0)
    }

    init(_ value: some FixedWidthInteger) {
        self = Int(exactly: value).map(JSON.integer) ?? .number(Double(value))
    }
}
