/// A value of an input on its way to a Swift type: what the decoders of text and of JSON have in common.
class InputDecoder {
    final let parent: InputDecoder?
    /// The step from the parent to this value; nil at the root.
    final let step: InputIssue.Location?
    final let report: InputReport
    /// The field that this is the value of.
    final var definition: (any FieldDefinition)?
    /// The type that is decoded at present.
    final var type: Any.Type = Never.self

    init(parent: InputDecoder, step: InputIssue.Location) {
        self.parent = parent
        self.step = step
        report = parent.report
    }

    init(report: InputReport) {
        parent = nil
        step = nil
        self.report = report
    }

    /// Whether the client has sent nothing here.
    var isAbsent: Bool { false }
    /// Whether the client has sent null.
    var isNull: Bool { false }

    func decodeValue<Value: Decodable>(_ type: Value.Type) throws -> Value {
        preconditionFailure("each decoder has its own")
    }

    final var userInfo: [CodingUserInfoKey: Any] { [:] }

    final var codingPath: [any CodingKey] {
        guard let parent, let step else { return [] }
        return parent.codingPath + [ParameterKey(step)]
    }

    final var location: [InputIssue.Location] {
        guard let parent, let step else { return [.key(report.source)] }
        return parent.location + [step]
    }

    /// Decodes a whole input.
    ///
    /// - Throws: ``InputError`` with everything that is wrong: of fields all, of other types the first.
    final func decodeInput<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            let value = try decodeValue(type)
            if report.issues.isEmpty { return value }
        } catch let error as DecodingError {
            report.add(error)
        }
        throw InputError(report.issues)
    }

    /// Decodes a field's value; what is wrong with it is reported.
    final func decodeField<Value>(_ type: Value.Type) throws -> Field<Value>.State {
        guard let definition, Swift.type(of: definition) == FieldSpecification<Value>.self else {
            throw FieldMisuse("a @Field of \(type) is decoded by the init(from:) of another type")
        }
        // Unsafe for speed: a cast would compare the types again, by a search in the runtime's tables.
        let specification = unsafeDowncast(definition, to: FieldSpecification<Value>.self)
        if isAbsent {
            if let absent = specification.absent { return .value(absent) }
            report.add(.missing(location))
            return .refused
        }
        if let null = specification.null, isNull { return .value(null) }
        report.depth += 1
        defer { report.depth -= 1 }
        do {
            let count = report.count
            let value = try decodeValue(type)
            // What holds refused fields must not be looked at.
            guard report.count == count else { return .refused }
            guard let rule = specification.violation(of: value) else { return .value(value) }
            report.add(rule.issue(location))
        } catch let error as DecodingError {
            report.add(error)
        }
        return .refused
    }

    /// Lets a type decode itself.
    @inline(__always)
    final func decoding<Value>(_ type: Value.Type, _ make: () throws -> Value) throws -> Value {
        let (outer, count) = (self.type, report.count)
        self.type = type
        defer { self.type = outer }
        let value: Value
        do {
            value = try make()
        } catch {
            throw InputRule.naming(error, casesOf: type)
        }
        // An init(from:) of the application's that looked at a refused field would end the process.
        if report.count > count, let parent, !FieldDefinitions.onlyHolds(parent.type) {
            throw report.reported(at: codingPath)
        }
        return value
    }

    /// The definition of the field that a type asks for, when it is an ``InputFields``.
    static func definition(
        _ key: some CodingKey, in definitions: FieldDefinitions?
    ) throws -> (any FieldDefinition)? {
        guard let definitions else { return nil }
        if let problem = definitions.problem { throw FieldMisuse(problem) }
        return definitions.first(key: key.stringValue)
    }
}

/// A type that uses ``Field`` in a way that cannot work: the application's mistake, not the client's.
struct FieldMisuse: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A parameter's name, or an index, as a coding key.
struct ParameterKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ step: InputIssue.Location) {
        switch step {
        case .key(let name): (stringValue, intValue) = (name, nil)
        // Named as Foundation names the steps of an array.
        case .index(let index): (stringValue, intValue) = ("Index \(index)", index)
        }
    }
    init?(stringValue: String) { self.init(.key(stringValue)) }
    init?(intValue: Int) { self.init(.index(intValue)) }
}
