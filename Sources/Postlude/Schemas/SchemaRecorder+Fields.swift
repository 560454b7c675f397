extension SchemaRecorder {
    /// Returns the schema of a type whose properties are declared by ``Field``, without decoding samples.
    func fields(of type: any Any.Type) -> (Schema, names: [String])? {
        guard let fields = FieldDefinitions.of(type) else { return nil }
        var properties: [String: JSONValue] = [:]
        for field in fields { properties[field.name] = schema(of: field).json }
        var keywords: [String: JSONValue] = ["type": "object", "properties": .object(properties)]
        let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { keywords["required"] = .array(required) }
        return (Schema(keywords), fields.map(\.name))
    }

    private func schema(of field: any FieldDefinition) -> Schema {
        let type = Swift.type(of: field).valueType
        let isOptional = type is any SchemaOptional.Type
        let value = schema(of: (type as? any SchemaOptional.Type)?.wrappedType ?? type)
        var additions = field.rules.keywords(for: value.keywords["type"])
        if let summary = field.summary { additions["description"] = .string(summary) }
        if let value = field.defaultValue as? JSONValue, value != .null { additions["default"] = value }
        var schema = value
        schema.keywords.merge(additions) { $1 }
        return isOptional ? schema.nullable : schema
    }
}

extension FieldRules {
    /// Returns the rules as JSON Schema's keywords, as far as they apply to the type.
    func keywords(for type: JSONValue?) -> [String: JSONValue] {
        var keywords: [String: JSONValue] = [:]
        if type == "integer" || type == "number" {
            // These replace the bounds of the type.
            keywords["minimum"] = minimum.flatMap(JSONValue.init(finite:))
            keywords["maximum"] = maximum.flatMap(JSONValue.init(finite:))
            keywords["exclusiveMinimum"] = exclusiveMinimum.flatMap(JSONValue.init(finite:))
            keywords["exclusiveMaximum"] = exclusiveMaximum.flatMap(JSONValue.init(finite:))
        }
        if type == "string" {
            keywords["minLength"] = minimumLength.map { .integer($0) }
            keywords["maxLength"] = maximumLength.map { .integer($0) }
            keywords["pattern"] = pattern.flatMap(PortablePattern.text).map { .string($0) }
        }
        let (least, most) = type == "object" ? ("minProperties", "maxProperties") : ("minItems", "maxItems")
        keywords[least] = minimumCount.map { .integer($0) }
        keywords[most] = maximumCount.map { .integer($0) }
        return keywords
    }
}

extension JSONValue {
    /// Creates a number, without a fraction if it is integral. Returns nil for an infinite bound, which JSON cannot
    /// represent.
    init?(finite number: Double) {
        guard number.isFinite else { return nil }
        self = Int(exactly: number).map { .integer($0) } ?? .number(number)
    }
}
