/// The descriptions of the parameters from which a type is decoded.
enum ParameterDescriptions {
    typealias Parameter = OperationDescription.Parameter

    /// The name of a path parameter whose type has no property for it: the pattern's only parameter.
    static let onlyName = ""

    static func of(_ type: any Decodable.Type, in location: Parameter.Location) -> [Parameter] {
        let schema = Schema(of: type)
        let isOptional = type is any SchemaOptional.Type
        let value = schema.withoutNull
        if let properties = value.properties {
            let wholeType = (type as? any SchemaOptional.Type)?.wrappedType ?? type
            return properties.map { property in
                parameter(
                    location, name(of: property.name, in: location, wholeType),
                    isRequired: location == .path || property.isRequired && !isOptional, property.schema)
            }
        }
        switch location {
        case .path: return [parameter(location, onlyName, isRequired: true, value)]
        case .query:
            let isAny = value.keywords["type"] == "object" || value.keywords.isEmpty
            var parameter = parameter(
                location, isAny ? "parameters" : "value", isRequired: !isOptional && !isAny, value)
            parameter.description =
                isAny ? "Any parameters." : "The only parameter there is, whatever its name."
            return [parameter]
        // Header fields and cookies of any name cannot be described as parameters.
        case .header, .cookie: return []
        }
    }

    private static func parameter(
        _ location: Parameter.Location, _ name: String, isRequired: Bool, _ schema: Schema
    ) -> Parameter {
        var schema = schema.withoutNull
        let description = schema.keywords.removeValue(forKey: "description")
        var parameter = Parameter(location, name, isRequired: isRequired, schema: schema)
        if case .string(let text) = description { parameter.description = text }
        return parameter
    }

    /// Returns the name as the client writes it: header fields with hyphens, unless a ``Field`` gives the name.
    private static func name(of property: String, in location: Parameter.Location, _ type: any Any.Type)
        -> String
    {
        guard location == .header else { return property }
        let field = FieldDefinitions.of(type)?.first { $0.name == property }
        return field?.isNameGiven == true ? property : FieldName.dashed(property)
    }
}

extension Schema {
    struct Property {
        let name: String
        let schema: Schema
        let isRequired: Bool
    }

    /// The properties of an object, in order; nil for another type.
    var properties: [Property]? {
        let definition = referenceKey.flatMap { definitions[$0] }
        guard case .object(let properties) = (definition?.keywords ?? keywords)["properties"] else {
            return nil
        }
        let required = requiredNames
        return (definition?.propertyNames ?? propertyNames ?? properties.keys.sorted()).compactMap { name in
            guard case .object(let keywords) = properties[name] else { return nil }
            var schema = Schema(keywords)
            schema.definitions = definitions
            return Property(name: name, schema: schema, isRequired: required.contains(name))
        }
    }

    var requiredNames: Set<String> {
        let all = referenceKey.flatMap { definitions[$0] }?.keywords ?? keywords
        guard case .array(let names) = all["required"] else { return [] }
        return Set(names.compactMap { if case .string(let name) = $0 { name } else { nil } })
    }
}
