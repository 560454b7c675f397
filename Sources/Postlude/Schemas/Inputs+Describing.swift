// The descriptions of the library's inputs.

extension Path {
    public static func describe(_ operation: inout OperationDescription) {
        operation.parameters += ParameterDescriptions.of(Value.self, in: .path)
    }
}

extension Query {
    public static func describe(_ operation: inout OperationDescription) {
        var parameters = ParameterDescriptions.of(Value.self, in: .query)
        if Value.self is any NestedKeysType.Type {
            for index in parameters.indices where parameters[index].schema.hasMembers {
                parameters[index].style = Schema.nestedStyle
            }
        }
        operation.parameters += parameters
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
        var content = OperationDescription.Content("application/x-www-form-urlencoded", schema: schema)
        if Value.self is any NestedKeysType.Type { content.encoding = schema.nestedEncoding }
        operation.body.append(content)
        // A missing body is a form without fields.
        operation.isBodyRequired = !schema.requiredNames.isEmpty
    }
}

extension Multipart {
    public static func describe(_ operation: inout OperationDescription) {
        let schema = Schema(of: Value.self).form
        var content = OperationDescription.Content("multipart/form-data", schema: schema)
        if Value.self is any NestedKeysType.Type { content.encoding = schema.nestedEncoding }
        operation.body.append(content)
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

/// ``NestedKeys`` of any type.
private protocol NestedKeysType: Decodable {}

extension NestedKeys: NestedKeysType {}

extension NestedKeys: SchemaProviding {
    public static var schema: Schema { Schema(of: Value.self) }
}

extension Schema {
    /// The style of fields whose names have steps (OpenAPI 3.1, 4.8.12.2.1).
    fileprivate static let nestedStyle = "deepObject"

    /// The styles of the properties that have members or elements with members, by name (OpenAPI 3.1, 4.8.15).
    fileprivate var nestedEncoding: [String: JSONValue] {
        Dictionary(
            (properties ?? []).filter(\.schema.hasMembers).map {
                ($0.name, ["style": .string(Self.nestedStyle), "explode": true])
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether the values are objects, or lists of objects or lists.
    fileprivate var hasMembers: Bool {
        let schema = withoutNull
        let keywords = schema.referenceKey.flatMap { definitions[$0] }?.keywords ?? schema.keywords
        switch keywords["type"] {
        case "object": return true
        case "array":
            guard case .object(let items) = keywords["items"] else { return false }
            var element = Schema(items)
            element.definitions = definitions
            return items["type"] == "array" || element.hasMembers
        default: return false
        }
    }
}
