internal import FoundationEssentials
internal import PostludeJSON

/// Decodes a type from a JSON value.
final class JSONNodeDecoder: InputDecoder, JSONValueDecoder, ScalarContainer {
    let document: JSONDocument
    /// The index of the value's node; nil if there is no value.
    let index: Int?

    override var isAbsent: Bool { index == nil }
    override var isNull: Bool { index.map { document.nodes[$0].kind == .null } ?? false }

    init(_ document: JSONDocument, source: String) {
        self.document = document
        index = 0
        super.init(source: source, isText: false)
    }

    /// Makes a decoder of an absent value.
    init(absent source: String) {
        document = .empty
        index = nil
        super.init(source: source, isText: false)
    }

    init(_ index: Int?, parent: JSONNodeDecoder, step: InputIssue.Location) {
        document = parent.document
        self.index = index
        super.init(parent: parent, step: step)
    }

    func json() throws -> JSONValue {
        guard let index else { throw InputRule.missing.error(at: codingPath) }
        do throws(JSONDocument.NumberOutOfRange) {
            return try document.value(at: index)
        } catch {
            throw InputRule.finite.error(at: codingPath)
        }
    }

    // MARK: Containers

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        let object = try node(.object, [String: String].self)
        return KeyedDecodingContainer(
            JSONObjectContainer(
                decoder: self, object: object, definitions: FieldDefinitions.resolve(self.type)))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let elements = document.indices(of: try node(.array, [String].self))
        return ListContainer(JSONArray(elements: elements, parent: self), decoder: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    // MARK: Single values

    func decodeNil() -> Bool { index.map { document.nodes[$0].kind == .null } ?? true }

    func decode(_ type: String.Type) throws -> String { document.string(at: try node(.string, type)) }

    func decode(_ type: Bool.Type) throws -> Bool {
        guard let index else { throw InputRule.missing.error(at: codingPath) }
        switch document.nodes[index].kind {
        case .true: return true
        case .false: return false
        default: throw mismatch(type)
        }
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decodeValue(type) }

    override func decodeValue<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if TextDecoder.isForeign(type) || type == Data.self { return try decodeForeign(type) }
        return try decoding(type) { try Value(from: self) }
    }

    // A separate function for speed, as in TextDecoder.
    @inline(never)
    private func decodeForeign<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let value = try TextValue.decode(
            type, text: { document.string(at: try node(.string, $0)) }, path: { codingPath })
        {
            return value
        }
        if type == Decimal.self {
            let text = document.string(at: try node(.number, type))
            guard let value = TextValue.decimal(text) as? Value else {
                throw InputRule.finite.error(at: codingPath)
            }
            return value
        }
        if type == Data.self {
            guard let value = Data(base64Encoded: try decode(String.self)) as? Value else {
                throw InputRule.base64.error(at: codingPath)
            }
            return value
        }
        return try decoding(type) { try Value(from: self) }
    }

    func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        let index = try node(.number, type)
        if let number = document.integer(at: index) {
            if let value = Value(exactly: number) { return value }
            throw (number < 0 ? InputRule.least(Value.min) : .greatest(Value.max)).error(at: codingPath)
        }
        let text = document.string(at: index)
        if let value = Value(text, radix: 10) { return value }
        guard let number = Double(text), number.isFinite else { throw InputRule.finite.error(at: codingPath) }
        guard number == number.rounded() else { throw InputRule.fraction.error(at: codingPath) }
        // Digits alone are out of range, as found above; only rounding to a Double could bring them into it.
        let isRounded = text.utf8.allSatisfy { $0 != UInt8(ascii: ".") && $0 | 0x20 != UInt8(ascii: "e") }
        if !isRounded, let value = Value(exactly: number) { return value }
        throw (number < 0 ? InputRule.least(Value.min) : .greatest(Value.max)).error(at: codingPath)
    }

    func number<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Value.Type) throws -> Value {
        let text = document.string(at: try node(.number, type))
        guard let value = Value(text), value.isFinite else { throw InputRule.finite.error(at: codingPath) }
        return value
    }

    /// Returns the index of the value's node.
    ///
    /// - Throws: if there is no value, or one of another kind.
    private func node(_ kind: JSONNode.Kind, _ type: any Any.Type) throws -> Int {
        guard let index else { throw InputRule.missing.error(at: codingPath) }
        guard document.nodes[index].kind == kind else { throw mismatch(type) }
        return index
    }

    private func mismatch(_ type: any Any.Type) -> DecodingError {
        .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "no \(type)"))
    }
}

/// The elements of a JSON array.
private struct JSONArray: ListValues {
    /// The elements' nodes.
    let elements: [Int]
    let parent: JSONNodeDecoder

    var count: Int { elements.count }

    func decoder(at index: Int) -> JSONNodeDecoder {
        JSONNodeDecoder(elements[index], parent: parent, step: .index(index))
    }
}

/// The members of a JSON object.
struct JSONObjectContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: JSONNodeDecoder
    let object: Int
    let definitions: FieldDefinitions?
    /// The members by key, if there are so many that a linear search for each key would be slow.
    private let members: [ExactName: Int]?

    init(decoder: JSONNodeDecoder, object: Int, definitions: FieldDefinitions?) {
        self.decoder = decoder
        self.object = object
        self.definitions = definitions
        let document = decoder.document
        // A member takes at least two nodes.
        guard Int(document.nodes[object].next) - object > 64 else {
            members = nil
            return
        }
        members = Dictionary(
            document.indices(of: object).map {
                (ExactName(document.string(at: $0)), document.value(ofName: $0))
            }
        ) { $1 }
    }

    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        if let definitions { return definitions.keys { index($0) != nil } }
        var seen: Set<ExactName> = []
        return decoder.document.indices(of: object).compactMap { index in
            let key = decoder.document.string(at: index)
            return seen.insert(ExactName(key)).inserted ? Key(stringValue: key) : nil
        }
    }

    private func index(_ name: String) -> Int? {
        members.map { $0[ExactName(name)] } ?? decoder.document.member(name, of: object)
    }

    private func name(_ key: Key) -> String { FieldDefinitions.name(of: key, in: definitions) }

    func contains(_ key: Key) -> Bool { index(name(key)) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try child(key).decodeNil() }

    // The usual types are decoded without a child decoder, which is made only to report an error.

    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        guard let index = plainIndex(key), decoder.document.nodes[index].kind == .string else {
            return try decodeValue(type, key)
        }
        return decoder.document.string(at: index)
    }

    func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
        try plainIndex(key).flatMap(decoder.document.integer) ?? decodeValue(type, key)
    }

    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        try plainIndex(key).flatMap(decoder.document.number) ?? decodeValue(type, key)
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        switch plainIndex(key).map({ decoder.document.nodes[$0].kind }) {
        case .true: true
        case .false: false
        default: try decodeValue(type, key)
        }
    }

    /// Returns the index of the value; nil if it is absent, or the type has ``Field``s.
    private func plainIndex(_ key: Key) -> Int? { definitions == nil ? index(key.stringValue) : nil }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try decodeValue(type, key)
    }

    private func decodeValue<Value: Decodable>(_ type: Value.Type, _ key: Key) throws -> Value {
        guard let definition = try InputDecoder.definition(key, in: definitions) else {
            return try child(key).decodeValue(type)
        }
        let child = JSONNodeDecoder(
            index(definition.name), parent: decoder, step: .key(definition.name))
        child.definition = definition
        return try child.decodeValue(type)
    }

    /// Decodes a member. For a type such as `Int??`, an absent member is the outer nil, and null the inner one.
    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        let name = name(key)
        guard let index = index(name) else { return nil }
        let child = JSONNodeDecoder(index, parent: decoder, step: .key(name))
        return child.isNull ? NullValue.absent(type) : try child.decodeValue(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        JSONNodeDecoder(index("super"), parent: decoder, step: .key("super"))
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }

    private func child(_ key: Key) throws -> JSONNodeDecoder {
        let name = name(key)
        guard let index = index(name) else {
            throw DecodingError.keyNotFound(
                key, .init(codingPath: codingPath, debugDescription: "Field required"))
        }
        return JSONNodeDecoder(index, parent: decoder, step: .key(name))
    }
}

/// The values of an optional type for null and for an absent member. They differ if the wrapped type is optional itself: in
/// `Int??`, the outer nil is an absent member, and the inner nil is null.
enum NullValue {
    /// Returns the outer nil of an optional type; no value for another type.
    static func absent<Value>(_ type: Value.Type) -> Value? {
        guard let optional = type as? any ExpressibleByNilLiteral.Type else { return nil }
        func make<Optional: ExpressibleByNilLiteral>(_ type: Optional.Type) -> Value {
            let none: Optional = nil
            // Unsafe: Optional and Value are the same type, and a cast would make an outer nil an inner one.
            return unsafeBitCast(none, to: Value.self)
        }
        return make(optional)
    }

    /// Returns the inner nil of an optional of an optional; no value for another type.
    static func null<Value>(_ type: Value.Type) -> Value? {
        guard let outer = type as? any OuterOptional.Type else { return nil }
        func make<Outer: OuterOptional>(_ type: Outer.Type) -> Value {
            // Unsafe for the same reason.
            unsafeBitCast(Outer.null, to: Value.self)
        }
        return make(outer)
    }
}

private protocol OuterOptional {
    static var null: Self { get }
}

extension Optional: OuterOptional where Wrapped: ExpressibleByNilLiteral {
    fileprivate static var null: Self { .some(nil) }
}
