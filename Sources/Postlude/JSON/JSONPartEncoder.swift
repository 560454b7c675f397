internal import FoundationEssentials
internal import PostludeDates
internal import PostludeJSON

/// Lets a value encode itself into a ``JSONPart``.
///
/// Foundation's encoder writes UUIDs in capitals, and dates before 1582 by another calendar; neither can be set without
/// a change to each type.
struct JSONPartEncoder: Encoder, SingleValueEncodingContainer {
    private let part: JSONPart
    private let format: JSONFormat
    /// nil for the outermost value.
    private let path: Path?

    /// The way to a value, shared by all that is within it.
    private final class Path {
        let parent: Path?
        let key: any CodingKey
        let depth: Int

        init(parent: Path?, key: any CodingKey) {
            self.parent = parent
            self.key = key
            depth = (parent?.depth ?? 1) + 1
        }

        var keys: [any CodingKey] { (parent?.keys ?? []) + [key] }
    }

    /// So that no value exhausts the stack. More levels than a body may have, so that what was read can be answered.
    private static let maximumDepth = JSONDocument.maximumDepth + 11

    init(_ part: JSONPart, format: JSONFormat) {
        self.init(part, format: format, path: nil)
    }

    private init(_ part: JSONPart, format: JSONFormat, path: Path?) {
        self.part = part
        self.format = format
        self.path = path
    }

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        part.beginObject()
        return KeyedEncodingContainer(ObjectContainer(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        part.beginArray()
        return ArrayContainer(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    // MARK: A single value

    func encodeNil() { part.be(.literal("null")) }

    func encode<Value: Encodable>(_ value: Value) throws {
        if let item = try scalar(value, at: nil) { return part.be(item) }
        try value.encode(to: self)
    }

    // MARK: Within a container

    private func item(_ value: some Encodable, at key: any CodingKey) throws -> JSONPart.Item {
        if let item = try scalar(value, at: key) { return item }
        let nested = try nested(key)
        try value.encode(to: nested)
        return .part(nested.part)
    }

    private func nested(_ key: any CodingKey) throws -> JSONPartEncoder {
        guard path?.depth ?? 1 < Self.maximumDepth else {
            throw EncodingError.invalidValue(
                part,
                .init(
                    codingPath: [],
                    debugDescription: "a value is nested more than \(Self.maximumDepth) deep"))
        }
        return JSONPartEncoder(JSONPart(), format: format, path: Path(parent: path, key: key))
    }

    // MARK: Scalars

    /// The types that JSON or this library has a form for.
    private enum Scalar {
        case string, bool, int, integer, double, float, date, uuid, data, url, decimal
    }

    private static let scalars: [ObjectIdentifier: Scalar] = {
        let integers: [Any.Type] = [
            Int8.self, Int16.self, Int32.self, Int64.self, UInt.self, UInt8.self, UInt16.self, UInt32.self,
            UInt64.self, Int128.self, UInt128.self,
        ]
        let others: [(Any.Type, Scalar)] = [
            (String.self, .string), (Bool.self, .bool), (Int.self, .int), (Double.self, .double),
            (Float.self, .float), (Date.self, .date), (UUID.self, .uuid), (Data.self, .data),
            (URL.self, .url), (Decimal.self, .decimal),
        ]
        let all = others + integers.map { ($0, .integer) }
        return Dictionary(uniqueKeysWithValues: all.map { (ObjectIdentifier($0.0), $0.1) })
    }()

    /// - Returns: nil for a type that encodes itself.
    private func scalar<Value: Encodable>(_ value: Value, at key: (any CodingKey)?) throws -> JSONPart.Item? {
        guard let scalar = Self.scalars[ObjectIdentifier(Value.self)] else { return nil }
        /// Returns `value` as its own type. A cast of each value would take longer; this one is safe because `scalars` has
        /// found the type.
        func known<Known>(_ type: Known.Type) -> Known { unsafeBitCast(value, to: type) }
        func refuse(_ reason: String) -> EncodingError {
            .invalidValue(
                value, .init(codingPath: codingPath + (key.map { [$0] } ?? []), debugDescription: reason))
        }
        func number(_ value: some BinaryFloatingPoint & CustomStringConvertible) throws -> JSONPart.Item {
            guard value.isFinite else { throw refuse("JSON cannot represent the number \(value)") }
            let text = value.description
            return .literal(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
        }
        switch scalar {
        case .string: return .string(known(String.self))
        case .bool: return .literal(known(Bool.self) ? "true" : "false")
        case .int: return .literal(String(known(Int.self)))
        case .integer: return .literal("\(value)")
        case .double: return try number(known(Double.self))
        case .float: return try number(known(Float.self))
        case .date:
            guard let text = DateText.text(known(Date.self), fractionDigits: format.fractionDigits) else {
                throw refuse("only dates of the years 0001 to 9999 can be written as text (RFC 3339)")
            }
            return .string(text)
        case .uuid: return .string(known(UUID.self).uuidString.lowercased())
        case .data: return .string(known(Data.self).base64EncodedString())
        case .url: return .string(known(URL.self).absoluteString)
        case .decimal:
            let decimal = known(Decimal.self)
            guard decimal.isFinite else { throw refuse("JSON cannot represent the number \(decimal)") }
            return .literal(decimal.description)
        }
    }

    // MARK: Containers

    private struct ObjectContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let encoder: JSONPartEncoder
        var codingPath: [any CodingKey] { encoder.codingPath }

        func encodeNil(forKey key: Key) { encoder.part.set(key.stringValue, .literal("null")) }

        func encode(_ value: String, forKey key: Key) { encoder.part.set(key.stringValue, .string(value)) }

        func encode(_ value: Int, forKey key: Key) {
            encoder.part.set(key.stringValue, .literal(String(value)))
        }

        func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
            encoder.part.set(key.stringValue, try encoder.item(value, at: key))
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> {
            nested(key).container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            nested(key).unkeyedContainer()
        }

        func superEncoder() -> any Encoder { nested(EncodedKey(stringValue: "super")) }
        func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

        private func nested(_ key: any CodingKey) -> JSONPartEncoder {
            let nested = encoder.within(key)
            encoder.part.set(key.stringValue, .part(nested.part))
            return nested
        }
    }

    private struct ArrayContainer: UnkeyedEncodingContainer {
        let encoder: JSONPartEncoder
        var codingPath: [any CodingKey] { encoder.codingPath }
        var count: Int { encoder.part.count }

        func encodeNil() { encoder.part.append(.literal("null")) }

        func encode<Value: Encodable>(_ value: Value) throws {
            encoder.part.append(try encoder.item(value, at: EncodedKey(index: count)))
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type
        ) -> KeyedEncodingContainer<Nested> {
            nested().container(keyedBy: type)
        }

        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
        func superEncoder() -> any Encoder { nested() }

        private func nested() -> JSONPartEncoder {
            let nested = encoder.within(EncodedKey(index: count))
            encoder.part.append(.part(nested.part))
            return nested
        }
    }

    /// Returns an encoder for a nested container, without a check of the depth: these containers are requested by functions
    /// that cannot throw, and a type nests them no deeper than its code does.
    private func within(_ key: any CodingKey) -> JSONPartEncoder {
        JSONPartEncoder(JSONPart(), format: format, path: Path(parent: path, key: key))
    }
}

private struct EncodedKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) { (self.stringValue, intValue) = (stringValue, nil) }
    init(intValue: Int) { self.init(index: intValue) }
    init(index: Int) { (stringValue, intValue) = ("Index \(index)", index) }
}
