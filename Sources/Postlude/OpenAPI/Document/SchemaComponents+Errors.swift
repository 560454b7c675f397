extension SchemaComponents {
    /// The schemas of the server's own error responses.
    static var libraryMembers: [DocumentNode.Member] {
        [
            .init(
                name: error,
                value: .object([
                    "type": "object", "required": .array(["detail"]),
                    "properties": .object([
                        "detail": .object(["type": "string", "description": "The error."]),
                        "request_id": .object([
                            "type": "string",
                            "description": "The request's id in the server's log; with status 500.",
                        ]),
                    ]),
                ])),
            .init(
                name: validationError,
                value: .object([
                    "type": "object", "required": .array(["detail"]),
                    "properties": .object([
                        "detail": .object(["type": "array", "items": issue])
                    ]),
                ])),
        ]
    }

    private static let issue = DocumentNode.object([
        "type": "object", "required": .array(["loc", "msg", "type"]),
        "properties": .object([
            "loc": .object([
                "type": "array",
                "description": "The value's place: path, query, header, cookie or body, then its keys.",
                "items": .object([
                    "anyOf": .array([.object(["type": "string"]), .object(["type": "integer"])])
                ]),
            ]),
            "msg": .object(["type": "string", "description": "The error."]),
            "type": .object(["type": "string", "description": "The name of the rule that it breaks."]),
            "ctx": .object([
                "type": "object", "description": "The numbers and names in `msg`, if any.",
            ]),
        ]),
    ])
}

extension DocumentNode: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .string(value) }
}
