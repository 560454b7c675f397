/// A JSON Schema (draft 2020-12), as OpenAPI 3.1 uses it.
///
/// ```swift
/// Schema(["type": "string", "pattern": "^#[0-9a-f]{6}$"])
/// ```
public struct Schema: Hashable, Sendable, Encodable {
    /// The schema's keywords.
    public var keywords: [String: JSONValue]
    /// The named types that the keywords refer to, by ``reference(to:)``'s keys.
    var definitions: [String: Definition] = [:]
    /// The properties' order where it is known: the keywords do not have it.
    var propertyNames: [String]?

    /// A type of its own name, which stands among the document's components.
    struct Definition: Hashable, Sendable {
        /// As Swift prints it: `Item`.
        var name: String
        /// With module and outer types: `Shop.Order.Item`.
        var qualifiedName: String
        var keywords: [String: JSONValue]
        /// In the order of the type's properties, which the keywords do not have.
        var propertyNames: [String] = []
        /// The type could not be decoded to its end.
        var isIncomplete = false
    }

    /// A schema of these keywords; without any, every value is right.
    public init(_ keywords: [String: JSONValue] = [:]) { self.keywords = keywords }

    /// An array of such values.
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

    /// Stands for a definition until the document gives it a name that is unique in it.
    static func reference(to key: String) -> Schema { Schema(["$ref": .string(componentPath + key)]) }

    /// The key of the definition that the whole schema stands for.
    var referenceKey: String? {
        guard keywords.count == 1, case .string(let path) = keywords["$ref"],
            path.hasPrefix(Self.componentPath)
        else { return nil }
        return String(path.dropFirst(Self.componentPath.count))
    }

    /// This, or null.
    var nullable: Schema {
        var schema = self
        if keywords.isEmpty { return self }
        if keywords.count == 1, case .string(let type) = keywords["type"] {
            schema.keywords["type"] = [.string(type), "null"]
        } else {
            // What is said about a value stays clear of the null.
            var value = keywords
            let notes = ["description", "default"].compactMap { name in
                value.removeValue(forKey: name).map { (name, $0) }
            }
            schema.keywords = ["anyOf": [.object(value), ["type": "null"]]].merging(notes) { first, _ in first
            }
        }
        return schema
    }

    /// This without the null that ``nullable`` adds: outside of JSON a value that is absent is just not there.
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
