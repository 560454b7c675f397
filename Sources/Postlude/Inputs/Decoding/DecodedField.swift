extension KeyedDecodingContainer {
    /// Decodes a ``Field``, also where its key is absent. What is wrong with it is reported when the whole struct was
    /// decoded.
    @inlinable
    public func decode<Value>(_ type: Field<Value>.Type, forKey key: Key) throws -> Field<Value> {
        Field(state: try decode(DecodedField<Value>.self, forKey: key).state)
    }
}

/// A field's state as a value that containers can be asked for.
@usableFromInline
struct DecodedField<Value: Decodable & Sendable>: Decodable {
    @usableFromInline let state: Field<Value>.State

    @usableFromInline
    init(from decoder: any Decoder) throws {
        state =
            switch decoder {
            case let decoder as InputDecoder: try decoder.decodeField(Value.self)
            case is ProbeDecoder: .refused
            default: .value(try Value(from: decoder))
            }
    }
}
