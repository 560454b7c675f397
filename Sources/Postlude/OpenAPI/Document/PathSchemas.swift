internal import PostludeRouting

/// The schemas of path parameters, from the route's pattern and the handler's type.
enum PathSchemas {
    /// Returns the schema of a path parameter.
    ///
    /// - Parameter handler: the schema of the type that the handler decodes; nil if it does not use the parameter.
    static func schema(of parameter: RoutePattern.Parameter, handler: Schema?) -> Schema {
        var schema = handler ?? Schema()
        let own = keywords(of: parameter)
        // The handler's type is the better description if it is as specific as the pattern.
        guard let type = schema.keywords["type"] else {
            if schema.keywords.isEmpty { schema.keywords = own }
            return schema
        }
        if type == "string", own["type"] == "integer" {
            schema.keywords["pattern"] = schema.keywords["pattern"] ?? "^-?[0-9]+$"
        } else if type == own["type"] {
            schema.keywords.merge(own) { handlers, _ in handlers }
        }
        return schema
    }

    private static func keywords(of parameter: RoutePattern.Parameter) -> [String: JSONValue] {
        switch parameter.kind {
        case .any: return ["type": "string", "minLength": 1]
        case .int: return ["type": "integer", "format": "int64"]
        case .slug: return ["type": "string", "pattern": "^[-a-zA-Z0-9_]+$"]
        case .uuid: return ["type": "string", "format": "uuid"]
        case .path: return ["type": "string"]
        case .expression(let text):
            guard let pattern = PortablePattern.text(text) else { return ["type": "string", "minLength": 1] }
            return ["type": "string", "pattern": .string("^(?:\(pattern))$")]
        }
    }

    /// Returns a note for a parameter that a path template cannot express; nil for other parameters.
    static func note(on parameter: RoutePattern.Parameter) -> String? {
        parameter.kind == .path ? "The rest of the path; it may hold slashes, and may be empty." : nil
    }
}
