/// The named schemas of a document, with unique names.
struct SchemaComponents {
    private var definitions: [String: Schema.Definition] = [:]
    private var names: [String: String] = [:]

    /// The schemas of the server's own error responses.
    let errors: ErrorSchemas

    /// - Parameter schemas: all schemas that the document uses.
    init(_ schemas: [Schema], errors: ErrorSchemas) {
        self.errors = errors
        let reserved: Set<String> = [errors.error, errors.validationError]
        for schema in schemas { definitions.merge(schema.definitions) { first, _ in first } }
        // Sorted by names without addresses, so that equal programs make equal documents.
        let ordered = definitions.sorted { ($0.value.plainName, $0.key) < ($1.value.plainName, $1.key) }
        let short = Dictionary(grouping: ordered.map { Self.identifier($0.value.name) }) { $0 }
        var taken = reserved
        for (key, definition) in ordered {
            let identifier = Self.identifier(definition.name)
            let isUnique = short[identifier]?.count == 1 && !reserved.contains(identifier)
            let base = isUnique ? identifier : Self.identifier(definition.plainName)
            var name = base
            var number = 2
            while !taken.insert(name).inserted {
                name = "\(base)-\(number)"
                number += 1
            }
            names[key] = name
        }
    }

    /// Returns a schema with the document's names in its references.
    func node(_ schema: Schema) -> DocumentNode { node(schema.keywords, schema.propertyNames) }

    /// All named schemas, by name.
    var node: DocumentNode {
        let own = definitions.compactMap { key, definition in
            names[key].map {
                DocumentNode.Member(name: $0, value: node(definition.keywords, definition.propertyNames))
            }
        }
        return .object((own + errors.members).sorted { $0.name < $1.name })
    }

    /// Notes on the types that could not be recorded completely.
    var notes: [String] {
        definitions.values.filter(\.isIncomplete).map(\.plainName).sorted().map { name in
            "\(name) is described only in part: its init(from:) refuses every sample; conform it to SchemaProviding"
        }
    }

    private func node(_ keywords: [String: JSONValue], _ propertyNames: [String]?) -> DocumentNode {
        var keywords = renamed(keywords)
        guard let propertyNames, case .object(let properties) = keywords.removeValue(forKey: "properties")
        else {
            return .value(.object(keywords))
        }
        return .object([
            "type": keywords.removeValue(forKey: "type").map(DocumentNode.value),
            "required": keywords.removeValue(forKey: "required").map(DocumentNode.value),
            "properties": .object(
                propertyNames.compactMap { name in
                    properties[name].map { DocumentNode.Member(name: name, value: .value($0)) }
                }),
        ]).appending(keywords)
    }

    private func renamed(_ keywords: [String: JSONValue]) -> [String: JSONValue] {
        // JSON has no infinite numbers: an infinite bound is none.
        var keywords = keywords.filter { $0.value.isFinite }.mapValues(renamed)
        if case .string(let path) = keywords["$ref"], path.hasPrefix(Schema.componentPath),
            let name = names[String(path.dropFirst(Schema.componentPath.count))]
        {
            keywords["$ref"] = .string(Schema.componentPath + name)
        }
        return keywords
    }

    private func renamed(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members): .object(renamed(members))
        case .array(let elements): .array(elements.map(renamed))
        default: value
        }
    }

    /// Returns a valid name for a component: letters, digits and `._-` (OpenAPI 3.1, 4.8.7.1). `Page<Item>` is
    /// `Page_Item`.
    private static func identifier(_ name: String) -> String {
        let words = name.split { !($0.isASCII && ($0.isLetter || $0.isNumber) || "._-".contains($0)) }
        return words.isEmpty ? "Schema" : words.joined(separator: "_")
    }
}

extension Schema.Definition {
    /// The qualified name without the contexts that Swift adds for private types, which differ from run to run.
    fileprivate var plainName: String {
        var name = ""
        var rest = qualifiedName[...]
        while let start = rest.firstRange(of: "(unknown context at ") {
            name += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            rest = rest[(rest.firstIndex(of: ")").map(rest.index(after:)) ?? rest.endIndex)...].drop {
                $0 == "."
            }
        }
        return name + rest
    }
}

extension JSONValue {
    /// Whether the value is not an infinite number, and not NaN.
    fileprivate var isFinite: Bool {
        if case .number(let number) = self { number.isFinite } else { true }
    }
}

extension DocumentNode {
    /// Returns the object with additional members, which are in alphabetical order.
    fileprivate func appending(_ members: [String: JSONValue]) -> DocumentNode {
        guard case .object(let own) = self else { return self }
        let others = members.sorted { $0.key < $1.key }.map { Member(name: $0.key, value: .value($0.value)) }
        return .object(own + others)
    }
}
