/// The record of what one call of a type's `init(from:)` has decoded.
final class Recording {
    /// A property or element: its schema, or the record of a nested container, which is complete later.
    enum Part {
        case schema(Schema)
        case nested(Recording)

        var schema: Schema {
            switch self {
            case .schema(let schema): schema
            case .nested(let recording): recording.schema
            }
        }
    }

    private var isObject = false
    private var isArray = false
    /// The schema of the single value that was decoded.
    private var whole: Schema?
    private var parts: [String: Part] = [:]
    private(set) var names: [String] = []
    private var required: Set<String> = []
    private var elements: [Part] = []

    func beginObject() { isObject = true }
    func beginArray() { isArray = true }

    func note(whole schema: Schema) {
        // If a type tries several alternatives, the last one succeeds.
        whole = schema
    }

    func note(_ name: String, _ part: Part, isRequired: Bool) {
        if parts.updateValue(part, forKey: name) == nil { names.append(name) }
        if isRequired { required.insert(name) }
    }

    func note(element part: Part) { elements.append(part) }

    /// The schema of the record; empty if nothing was decoded.
    var schema: Schema {
        if isObject {
            var keywords: [String: JSONValue] = ["type": "object"]
            if !parts.isEmpty { keywords["properties"] = .object(parts.mapValues { $0.schema.json }) }
            let needed = names.filter(required.contains)
            if !needed.isEmpty { keywords["required"] = .array(needed.map { .string($0) }) }
            return Schema(keywords)
        }
        if isArray {
            let kinds = Set(elements.map(\.schema))
            return kinds.count == 1 ? kinds.first.map { .array(of: $0) } ?? Schema() : .array(of: Schema())
        }
        return whole ?? Schema()
    }

    /// Merges the record of another complete call. Properties are required if both calls require them.
    func merge(_ other: Recording) {
        guard isObject, other.isObject else {
            if other.isObject != isObject || other.schema != schema { whole = widened(schema, other.schema) }
            if other.isObject != isObject { (isObject, isArray) = (false, false) }
            return
        }
        required.formIntersection(other.required)
        for name in other.names {
            guard let part = other.parts[name] else { continue }
            if let known = parts[name], known.schema != part.schema {
                parts[name] = .schema(widened(known.schema, part.schema))
            } else if parts[name] == nil {
                note(name, part, isRequired: false)
            }
        }
    }

    private func widened(_ one: Schema, _ other: Schema) -> Schema {
        var choices: [JSONValue] = []
        for schema in [one, other] {
            if schema.keywords.isEmpty { return Schema() }
            let parts: [JSONValue]
            if schema.keywords.count == 1, case .array(let inner) = schema.keywords["anyOf"] {
                parts = inner
            } else {
                parts = [schema.json]
            }
            for part in parts where !choices.contains(part) { choices.append(part) }
        }
        var schema = choices.count == 1 ? one : Schema(["anyOf": .array(choices)])
        schema.definitions = one.definitions.merging(other.definitions) { first, _ in first }
        return schema
    }
}
