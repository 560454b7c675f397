extension Schema {
    /// Creates the schema of a type by decoding sample values.
    ///
    /// The type's `init(from:)` gets values that a client could send, such as empty texts and small numbers. If it throws
    /// for all of them, the schema has only the properties up to the error; such a type can conform to
    /// ``SchemaProviding``. Nothing is known about a type that is only `Encodable`.
    ///
    /// - Parameter type: the type. Properties of named types become references.
    public init(of type: any Any.Type) {
        let recorder = SchemaRecorder()
        self = recorder.schema(of: type)
        definitions.merge(recorder.definitions) { first, _ in first }
    }
}

/// Derives the schemas of types by decoding samples, and keeps the results.
///
/// Each type is recorded once. Further occurrences, also inside of the type itself, are references.
final class SchemaRecorder {
    private(set) var definitions: [String: Schema.Definition] = [:]
    private var known: [ObjectIdentifier: Schema] = [:]
    private var open: [ObjectIdentifier: Bool] = [:]
    private var making: Set<ObjectIdentifier> = []
    private var unmakeable: Set<ObjectIdentifier> = []
    /// The types that accept no sample.
    private var incomplete: Set<ObjectIdentifier> = []

    /// The largest number of types: generic types can contain themselves with new parameters, without end.
    private static let limit = 500

    func schema(of type: any Any.Type) -> Schema {
        if let provider = type as? any SchemaProviding.Type { return adopting(provider.schema) }
        if let schema = BuiltInSchemas.schema(of: type) { return schema }
        switch type {
        case let optional as any SchemaOptional.Type:
            let schema = schema(of: optional.wrappedType)
            return optional.wrappedType is any SchemaOptional.Type ? schema : schema.nullable
        case let list as any SchemaList.Type: return .array(of: schema(of: list.elementType))
        case let dictionary as any SchemaDictionary.Type:
            guard dictionary.isObject else { return .array(of: Schema()) }
            let value = schema(of: dictionary.valueType)
            return Schema([
                "type": "object", "additionalProperties": value.keywords.isEmpty ? true : value.json,
            ])
        case let decodable as any Decodable.Type: return recorded(decodable)
        default: return Schema()
        }
    }

    /// Takes over the definitions of a schema that the application provides, which may have been recorded elsewhere.
    private func adopting(_ schema: Schema) -> Schema {
        definitions.merge(schema.definitions) { first, _ in first }
        return Schema(schema.keywords)
    }

    private func recorded<Value: Decodable>(_ type: Value.Type) -> Schema {
        let id = ObjectIdentifier(type)
        let key = Schema.Definition.key(of: type)
        if let schema = known[id] { return schema }
        if open[id] != nil {
            open[id] = true
            return .reference(to: key)
        }
        guard open.count + known.count < Self.limit else { return Schema() }
        if let schema = enumeration(type) { return schema }
        open[id] = false
        var (schema, names) = fields(of: type) ?? record(type)
        let isReferredTo = open.removeValue(forKey: id) == true
        if isReferredTo || schema.keywords["properties"] != nil {
            definitions[key] = Schema.Definition(
                name: "\(type)", qualifiedName: String(reflecting: type), keywords: schema.keywords,
                propertyNames: names, isIncomplete: incomplete.contains(id))
            schema = .reference(to: key)
        }
        known[id] = schema
        return schema
    }

    private func record<Value: Decodable>(_ type: Value.Type) -> (Schema, names: [String]) {
        var complete: Recording?
        var partial = Recording()
        for sample in Sample.all {
            let recording = Recording()
            if run(type, into: recording, sample: sample) == nil {
                if recording.names.count > partial.names.count || sample.number == 0 { partial = recording }
            } else if let complete {
                complete.merge(recording)
            } else {
                complete = recording
            }
        }
        if let complete { return (complete.schema, complete.names) }
        // The type may accept only a particular kind of text.
        for sample in Sample.attempts {
            let recording = Recording()
            if run(type, into: recording, sample: sample) != nil {
                return (recording.schema, recording.names)
            }
        }
        incomplete.insert(ObjectIdentifier(type))
        return (partial.schema, partial.names)
    }

    private func run<Value: Decodable>(_ type: Value.Type, into recording: Recording, sample: Sample)
        -> Value?
    {
        // The error describes the sample. Only the fact that the sample is refused matters.
        try? Value(from: RecordingDecoder(recorder: self, recording: recording, sample: sample))
    }

    /// Returns the schema of an enumeration that is `CaseIterable`.
    private func enumeration(_ type: any Any.Type) -> Schema? {
        guard let type = type as? any CaseIterable.Type else { return nil }
        let values = rawValues(of: type)
        if case .string = values.first { return Schema(["type": "string", "enum": .array(values)]) }
        if case .integer = values.first { return Schema(["type": "integer", "enum": .array(values)]) }
        return nil
    }

    private func rawValues<Cases: CaseIterable>(of type: Cases.Type) -> [JSONValue] {
        let values = type.allCases.map { value -> JSONValue? in
            switch (value as? any RawRepresentable)?.rawValue {
            case let text as String: .string(text)
            case let number as any BinaryInteger: Int(exactly: number).map { .integer($0) }
            default: nil
            }
        }
        return values.contains(nil) ? [] : values.compactMap(\.self)
    }
}

// MARK: - Values

extension SchemaRecorder {
    /// Returns a value for a type that contains `type`, so that the `init(from:)` of that type can continue.
    ///
    /// - Throws: ``NoSample`` if the type accepts no sample.
    func value<Value: Decodable>(of type: Value.Type, sample: Sample) throws(NoSample) -> Value {
        let id = ObjectIdentifier(type)
        if let value = BuiltInSchemas.value(of: type, sample: sample) { return value }
        if let list = type as? any SchemaList.Type, let value = list.empty as? Value { return value }
        if let dictionary = type as? any SchemaDictionary.Type, let value = dictionary.empty as? Value {
            return value
        }
        if let cases = type as? any CaseIterable.Type, let value: Value = element(of: cases, sample.number) {
            return value
        }
        guard !unmakeable.contains(id), making.insert(id).inserted else { throw NoSample() }
        defer { making.remove(id) }
        for sample in [sample] + Sample.attempts {
            if let value = run(type, into: Recording(), sample: sample) { return value }
        }
        if let value = firstCase(of: type) { return value }
        unmakeable.insert(id)
        throw NoSample()
    }

    /// Returns a case of an enumeration that is not `CaseIterable`, so that its raw values are unknown.
    private func firstCase<Value>(of type: Value.Type) -> Value? {
        guard type is any RawRepresentable.Type, _isPOD(type), MemoryLayout<Value>.size <= 1 else {
            return nil
        }
        // Unsafe: for a trivial type of at most one byte, 0 is a value: the first case, false, or the number. The value
        // is only moved into the value that contains it, and discarded with that.
        return withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { bytes in
            bytes.storeBytes(of: 0, as: UInt8.self)
            return bytes.load(as: Value.self)
        }
    }

    private func element<Cases: CaseIterable, Value>(of type: Cases.Type, _ number: Int) -> Value? {
        let cases = Array(type.allCases)
        return cases.isEmpty ? nil : cases[number % cases.count] as? Value
    }
}

/// The error for a type that accepts no sample. It ends the recording of types that need a value of it.
struct NoSample: Error {}

extension Schema.Definition {
    /// Returns a key that is unique to a type within the process.
    static func key(of type: any Any.Type) -> String { "\(UInt(bitPattern: ObjectIdentifier(type)))" }
}
