internal import FoundationEssentials

/// A decoder without data, which returns samples, and records what is decoded.
struct RecordingDecoder: Decoder {
    let recorder: SchemaRecorder
    let recording: Recording
    let sample: Sample
    var codingPath: [any CodingKey] = []
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        recording.beginObject()
        return KeyedDecodingContainer(RecordingObject(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        recording.beginArray()
        return RecordingArray(decoder: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { RecordingValue(decoder: self) }

    func nested(_ recording: Recording, _ key: any CodingKey) -> RecordingDecoder {
        RecordingDecoder(
            recorder: recorder, recording: recording, sample: sample, codingPath: codingPath + [key])
    }

    /// Returns a sample of any type.
    func value<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let value: Any? =
            switch type {
            case is String.Type: sample.text
            case is Bool.Type: sample.bool
            case let number as any BinaryFloatingPoint.Type: number.init(sample.integer)
            case let number as any FixedWidthInteger.Type: number.init(clamping: sample.integer)
            default: nil
            }
        return try value as? Value ?? recorder.value(of: type, sample: sample)
    }

    /// Throws if this sample refuses values of the type.
    func check(_ type: any Any.Type) throws {
        let isRefused =
            type == String.self ? sample.refusesText : sample.refusesNumbers && type is any Numeric.Type
        guard !isRefused else {
            throw DecodingError.typeMismatch(
                type, .init(codingPath: codingPath, debugDescription: "a sample"))
        }
    }
}

private struct RecordingObject<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: RecordingDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { [] }

    func contains(_ key: Key) -> Bool { decoder.sample.hasOptionals }
    func decodeNil(forKey key: Key) throws -> Bool { !decoder.sample.hasOptionals }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        note(type, key, isRequired: !(type is any SchemaOptional.Type))
        return try decoder.value(type)
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        optional(type, key)
    }

    // The protocol's default implementations would call `contains`, and not pass the type.
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? { optional(type, key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? { optional(type, key) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? { optional(type, key) }
    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? { optional(type, key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? { optional(type, key) }
    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? { optional(type, key) }
    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? { optional(type, key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? { optional(type, key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? { optional(type, key) }
    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? { optional(type, key) }
    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? { optional(type, key) }
    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? { optional(type, key) }
    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? { optional(type, key) }
    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? { optional(type, key) }

    private func optional<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
        note(Value?.self, key, isRequired: false)
        // nil also if no sample can be made: this should not end the recording.
        return decoder.sample.hasOptionals ? try? decoder.value(type) : nil
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try nested(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try nested(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        decoder.nested(Recording(), RecordingKey(stringValue: "super"))
    }
    func superDecoder(forKey key: Key) throws -> any Decoder { nested(key) }

    private func note(_ type: any Any.Type, _ key: Key, isRequired: Bool) {
        decoder.recording.note(
            key.stringValue, .schema(decoder.recorder.schema(of: type)), isRequired: isRequired)
    }

    private func nested(_ key: Key) -> RecordingDecoder {
        let recording = Recording()
        decoder.recording.note(key.stringValue, .nested(recording), isRequired: true)
        return decoder.nested(recording, key)
    }
}

private struct RecordingArray: UnkeyedDecodingContainer {
    let decoder: RecordingDecoder
    private(set) var currentIndex = 0
    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { nil }
    var isAtEnd: Bool { currentIndex > 0 }

    /// The limit for a type that decodes elements until decoding fails.
    private static let limit = 32

    init(decoder: RecordingDecoder) { self.decoder = decoder }

    mutating func decodeNil() throws -> Bool { false }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try advance(.schema(decoder.recorder.schema(of: type)))
        return try decoder.value(type)
    }

    mutating func nestedContainer<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        try nested().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try nested().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder { try nested() }

    private mutating func nested() throws -> RecordingDecoder {
        let recording = Recording()
        try advance(.nested(recording))
        return decoder.nested(recording, RecordingKey(intValue: currentIndex - 1))
    }

    private mutating func advance(_ part: Recording.Part) throws {
        guard currentIndex < Self.limit else { throw NoSample() }
        currentIndex += 1
        decoder.recording.note(element: part)
    }
}

private struct RecordingValue: SingleValueDecodingContainer {
    let decoder: RecordingDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { !decoder.sample.hasOptionals }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try decoder.check(type)
        let value = try decoder.value(type)
        decoder.recording.note(whole: decoder.recorder.schema(of: type))
        return value
    }
}

private struct RecordingKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) { (self.stringValue, intValue) = (stringValue, nil) }
    init(intValue: Int) { (stringValue, self.intValue) = ("Index \(intValue)", intValue) }
}
