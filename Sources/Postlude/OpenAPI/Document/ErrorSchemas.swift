/// The schemas of the server's own error responses, in the application's format.
struct ErrorSchemas {
    private let format: ErrorFormat

    init(_ format: ErrorFormat) { self.format = format }

    /// The media type of the responses.
    var mediaType: String { format == .fastAPI ? "application/json" : Problem.mediaType }
    /// The name of the schema of an error.
    var error: String { format == .fastAPI ? "Error" : "Problem" }
    /// The name of the schema of wrong inputs.
    var validationError: String { format == .fastAPI ? "HTTPValidationError" : "ValidationProblem" }

    /// Both schemas.
    var members: [DocumentNode.Member] {
        switch format {
        case .fastAPI:
            [
                .init(
                    name: error,
                    value: .object([
                        "type": "object", "required": .array(["detail"]),
                        "properties": .object([
                            "detail": .object(["type": "string", "description": "The error."]),
                            "request_id": .value(Self.requestID),
                        ]),
                    ])),
                .init(
                    name: validationError,
                    value: .object([
                        "type": "object", "required": .array(["detail"]),
                        "properties": .object(["detail": .object(["type": "array", "items": Self.issue])]),
                    ])),
            ]
        case .problemDetails:
            [
                .init(name: error, value: Self.problem("request_id", Self.requestID)),
                .init(
                    name: validationError,
                    value: Self.problem("errors", ["type": "array", "items": Self.problemIssue])),
            ]
        }
    }

    private static let requestID: JSONValue = [
        "type": "string", "description": "The request's id in the server's log; with status 500.",
    ]

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

    /// Returns the schema of problem details with one more member.
    private static func problem(_ name: String, _ member: JSONValue) -> DocumentNode {
        var keywords = Problem.schema.keywords
        if case .object(var properties) = keywords["properties"] {
            properties[name] = member
            keywords["properties"] = .object(properties)
        }
        return .value(.object(keywords))
    }

    private static let problemIssue: JSONValue = [
        "type": "object", "required": ["detail", "in", "pointer", "rule"],
        "properties": [
            "detail": ["type": "string", "description": "The error."],
            "in": [
                "type": "string",
                "description": "The part of the request: path, query, header, cookie or body.",
            ],
            "pointer": [
                "type": "string", "format": "json-pointer-uri-fragment",
                "description": "The value's place in that part, as a JSON Pointer.",
            ],
            "rule": ["type": "string", "description": "The name of the rule that it breaks."],
            "context": ["type": "object", "description": "The numbers and names in `detail`, if any."],
        ],
    ]
}

extension DocumentNode: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .string(value) }
}
