/// A JSON Schema (draft 2020-12), as OpenAPI 3.1 uses it.
///
/// ```swift
/// Schema(["type": "string", "pattern": "^#[0-9a-f]{6}$"])
/// ```
public struct Schema: Hashable, Sendable, Encodable {
    /// The schema's keywords.
    public var keywords: [String: JSONValue]
    /// The named types to which the keywords refer, by the keys of ``reference(to:)``.
    var definitions: [String: Definition] = [:]
    /// The order of the properties, which the keywords do not have; nil if it is unknown.
    var propertyNames: [String]?

    /// A named type, which is one of the document's components.
    struct Definition: Hashable, Sendable {
        /// The name as Swift prints it: `Item`.
        var name: String
        /// The name with module and outer types: `Shop.Order.Item`.
        var qualifiedName: String
        var keywords: [String: JSONValue]
        /// The names in the order of the type's properties, which the keywords do not have.
        var propertyNames: [String] = []
        /// Whether the recording is incomplete, because no sample could be decoded.
        var isIncomplete = false
    }

    /// Creates a schema of these keywords; without keywords, every value is valid.
    public init(_ keywords: [String: JSONValue] = [:]) { self.keywords = keywords }

    /// Returns the schema of an array of such values.
    public static func array(of element: Schema) -> Schema {
        var schema = Schema(["type": "array", "items": element.json])
        schema.definitions = element.definitions
        return schema
    }

    public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }

    var json: JSONValue { .object(keywords) }
}

extension Schema {
    static let componentPath = "#/components/schemas/"

    /// Returns a reference to a definition, for use until the document gives the definition a unique name.
    static func reference(to key: String) -> Schema { Schema(["$ref": .string(componentPath + key)]) }

    /// The key of the definition, if the whole schema is a reference; otherwise nil.
    var referenceKey: String? {
        guard keywords.count == 1, case .string(let path) = keywords["$ref"],
            path.hasPrefix(Self.componentPath)
        else { return nil }
        return String(path.dropFirst(Self.componentPath.count))
    }

    /// This schema, or null.
    var nullable: Schema {
        var schema = self
        if keywords.isEmpty { return self }
        if keywords.count == 1, case .string(let type) = keywords["type"] {
            schema.keywords["type"] = [.string(type), "null"]
        } else {
            // The description and the default stay outside of the alternatives.
            var value = keywords
            let notes = ["description", "default"].compactMap { name in
                value.removeValue(forKey: name).map { (name, $0) }
            }
            schema.keywords = ["anyOf": [.object(value), ["type": "null"]]].merging(notes) { first, _ in first
            }
        }
        return schema
    }

    /// This schema without the null that ``nullable`` adds, since outside of JSON an optional value is absent and not
    /// null.
    var withoutNull: Schema {
        var schema = self
        if case .array(let types) = keywords["type"] {
            let others = types.filter { $0 != "null" }
            schema.keywords["type"] = others.count == 1 ? others[0] : .array(others)
        } else if case .array(let choices) = keywords["anyOf"], choices.count == 2,
            choices[1] == ["type": "null"],
            case .object(let first) = choices[0]
        {
            schema.keywords["anyOf"] = nil
            schema.keywords.merge(first) { first, _ in first }
        }
        return schema
    }
}
