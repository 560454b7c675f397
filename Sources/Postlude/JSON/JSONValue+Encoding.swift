extension JSONValue {
    /// What a value is encoded as.
    init(encoding value: some Encodable) throws {
        let document = try JSONText.read(try JSONFormat().encode(value))
        self = try document.value(at: 0)
    }

    init(_ value: some FixedWidthInteger) {
        self = Int(exactly: value).map(JSONValue.integer) ?? .number(Double(value))
    }
}
