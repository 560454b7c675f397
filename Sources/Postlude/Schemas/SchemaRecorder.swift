extension Schema {
    /// What a type accepts and makes, found out by letting it decode sample values.
    ///
    /// The values that its `init(from:)` gets are such as a client can send: empty texts, small numbers. A type whose
    /// initialiser throws for all of them is described as far as it came; one that should say more conforms to
    /// ``SchemaProviding``. Nothing is known of a type that is `Encodable` alone.
    ///
    /// - Parameter type: the type; properties of named types become references.
    public init(of type: any Any.Type) {
        let recorder = SchemaRecorder()
        self = recorder.schema(of: type)
        definitions.merge(recorder.definitions) { first, _ in first }
    }
}

/// Finds the schemas of types by letting them decode samples, and keeps what it has found.
///
/// Each type is recorded once: where it occurs again, also inside itself, it is referred to.
final class SchemaRecorder {
    private(set) var definitions: [String: Schema.Definition] = [:]
    private var known: [ObjectIdentifier: Schema] = [:]
    private var open: [ObjectIdentifier: Bool] = [:]
    private var making: Set<ObjectIdentifier> = []
    private var unmakeable: Set<ObjectIdentifier> = []
    /// Types that no sample has satisfied.
    private var incomplete: Set<ObjectIdentifier> = []

    /// Generic types can contain themselves with ever other parameters.
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

    /// A user's own schema may hold definitions that were found elsewhere.
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
        // Of few texts one is right.
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
        // What it throws is about the sample; that it throws is what there is to know.
        try? Value(from: RecordingDecoder(recorder: self, recording: recording, sample: sample))
    }

    /// The cases of an enumeration that lists them.
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
    /// A value for a type that contains `type`, so that its `init(from:)` can go on.
    ///
    /// - Throws: ``NoSample`` when no sample satisfies the type.
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

    /// A case of an enumeration that does not list its cases, so that no raw value is known.
    private func firstCase<Value>(of type: Value.Type) -> Value? {
        guard type is any RawRepresentable.Type, _isPOD(type), MemoryLayout<Value>.size <= 1 else {
            return nil
        }
        // Unsafe: of a trivial type that fills at most one byte, 0 is a value: the first case, false, or the number.
        // It is only moved into the value that contains it and thrown away with that.
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

/// No sample satisfies a type: the recording of those that need one ends.
struct NoSample: Error {}

extension Schema.Definition {
    /// Unique to a type within the process.
    static func key(of type: any Any.Type) -> String { "\(UInt(bitPattern: ObjectIdentifier(type)))" }
}
