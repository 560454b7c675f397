extension SchemaComponents {
    /// What the server itself answers when something is wrong.
    static var libraryMembers: [DocumentNode.Member] {
        [
            .init(
                name: error,
                value: .object([
                    "type": "object", "required": .array(["detail"]),
                    "properties": .object([
                        "detail": .object(["type": "string", "description": "What is wrong."]),
                        "request_id": .object([
                            "type": "string",
                            "description": "The request's name in the server's log; with status 500.",
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
                "description": "Where the value stands: path, query, header, cookie or body, then its keys.",
                "items": .object([
                    "anyOf": .array([.object(["type": "string"]), .object(["type": "integer"])])
                ]),
            ]),
            "msg": .object(["type": "string", "description": "What is wrong with it."]),
            "type": .object(["type": "string", "description": "The name of the rule that it breaks."]),
            "ctx": .object([
                "type": "object", "description": "The numbers and names in `msg`, where it has any.",
            ]),
        ]),
    ])
}

extension DocumentNode: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .string(value) }
}
