extension Schema {
    /// Returns the structure of a type's values as JSON text, which is the same in each process. Renamed types have equal
    /// structures, and descriptions do not count.
    ///
    /// - Throws: never for a schema that was derived; an `EncodingError` for one that the application provides and that has an
    ///   infinite number.
    package static func structure(of type: any Any.Type) throws -> String {
        let schema = Schema(of: type)
        var text = StructureText(definitions: schema.definitions)
        return String(decoding: try JSONFormat().encode(text.expanding(schema.json)), as: UTF8.self)
    }
}

/// Replaces references to types by their structures, or by a number where a type occurs again.
private struct StructureText {
    let definitions: [String: Schema.Definition]
    private var numbers: [String: Int] = [:]

    init(definitions: [String: Schema.Definition]) { self.definitions = definitions }

    /// The keywords that do not change what is valid.
    private static let notes: Set<String> = ["description", "default", "title", "examples"]

    mutating func expanding(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members): expanding(members)
        case .array(let elements): .array(elements.map { expanding($0) })
        default: value
        }
    }

    private mutating func expanding(_ keywords: [String: JSONValue]) -> JSONValue {
        if let key = Schema(keywords).referenceKey, let definition = definitions[key] {
            if let number = numbers[key] { return ["$ref": .integer(number)] }
            numbers[key] = numbers.count
            return expanding(definition.keywords)
        }
        var expanded: [String: JSONValue] = [:]
        // In a fixed order, which the numbers depend on.
        for (keyword, value) in keywords.sorted(by: { $0.key < $1.key }) where !Self.notes.contains(keyword) {
            expanded[keyword] =
                switch (keyword, value) {
                case ("properties", .object(let members)): .object(expandingEach(members))
                case ("required", .array(let names)): .array(names.sorted { "\($0)" < "\($1)" })
                default: expanding(value)
                }
        }
        return .object(expanded)
    }

    private mutating func expandingEach(_ members: [String: JSONValue]) -> [String: JSONValue] {
        var expanded: [String: JSONValue] = [:]
        for (name, value) in members.sorted(by: { $0.key < $1.key }) { expanded[name] = expanding(value) }
        return expanded
    }
}
