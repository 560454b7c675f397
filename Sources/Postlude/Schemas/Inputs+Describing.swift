// The descriptions of the library's inputs.

extension Path {
    public static func describe(_ operation: inout OperationDescription) {
        operation.parameters += ParameterDescriptions.of(Value.self, in: .path)
    }
}

extension Query {
    public static func describe(_ operation: inout OperationDescription) {
        operation.parameters += ParameterDescriptions.of(Value.self, in: .query)
    }
}

extension Header {
    public static func describe(_ operation: inout OperationDescription) {
        operation.parameters += ParameterDescriptions.of(Value.self, in: .header)
    }
}

extension Cookies {
    public static func describe(_ operation: inout OperationDescription) {
        operation.parameters += ParameterDescriptions.of(Value.self, in: .cookie)
    }
}

extension JSONBody {
    public static func describe(_ operation: inout OperationDescription) {
        operation.body.append(.init("application/json", schema: Schema(of: Value.self)))
    }
}

extension Form {
    public static func describe(_ operation: inout OperationDescription) {
        let schema = Schema(of: Value.self).form
        operation.body.append(.init("application/x-www-form-urlencoded", schema: schema))
        // A missing body is a form without fields.
        operation.isBodyRequired = !schema.requiredNames.isEmpty
    }
}

extension Multipart {
    public static func describe(_ operation: inout OperationDescription) {
        operation.body.append(.init("multipart/form-data", schema: Schema(of: Value.self).form))
    }
}

extension MultipartForm {
    public static func describe(_ operation: inout OperationDescription) {
        operation.body.append(.init("multipart/form-data", schema: Schema(["type": "object"])))
    }
}

extension BodyStream {
    public static func describe(_ operation: inout OperationDescription) {
        operation.body.append(.init("*/*", schema: Schema()))
        operation.isBodyRequired = false
    }
}

extension Schema {
    /// The schema of the fields of a form. They have no null, and an empty text is a field that was not filled in.
    fileprivate var form: Schema {
        guard let properties = withoutNull.properties else { return self }
        var schema = Schema(["type": "object"])
        schema.definitions = definitions
        schema.propertyNames = properties.map(\.name)
        schema.keywords["properties"] = .object(
            Dictionary(properties.map { ($0.name, $0.field.json) }, uniquingKeysWith: { first, _ in first }))
        let required = properties.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { schema.keywords["required"] = .array(required) }
        return schema
    }
}

extension Schema.Property {
    fileprivate var field: Schema {
        var schema = schema.withoutNull
        let isPlainText = schema.keywords["type"] == "string" && schema.keywords["format"] == nil
        if isRequired, isPlainText, schema.keywords["enum"] == nil, schema.keywords["minLength"] == nil {
            schema.keywords["minLength"] = 1
        }
        return schema
    }
}
