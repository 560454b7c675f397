public import HTTPTypes

/// What a handler's inputs and output say of themselves: an operation of the API's description (OpenAPI 3.1, 4.8.10).
public struct OperationDescription: Sendable {
    /// A parameter outside of the body.
    public struct Parameter: Sendable {
        /// Where the parameter stands.
        public enum Place: String, Sendable {
            case path, query, header, cookie
        }

        public var place: Place
        public var name: String
        public var isRequired: Bool
        public var schema: Schema
        public var description: String?

        public init(
            _ place: Place, _ name: String, isRequired: Bool = true, schema: Schema,
            description: String? = nil
        ) {
            self.place = place
            self.name = name
            self.isRequired = isRequired
            self.schema = schema
            self.description = description
        }
    }

    /// A body in one media type.
    public struct Content: Sendable {
        public var mediaType: String
        public var schema: Schema

        public init(_ mediaType: String, schema: Schema) {
            self.mediaType = mediaType
            self.schema = schema
        }
    }

    /// One of the answers.
    public struct Answer: Sendable {
        public var status: HTTPResponse.Status
        public var description: String
        public var content: [Content]
        /// The status is one of many: the document says no more than that it is a success or a redirection.
        var isUnspecified = false

        public init(_ status: HTTPResponse.Status, _ description: String? = nil, content: [Content] = []) {
            self.status = status
            self.description = description ?? status.reasonPhrase
            self.content = content
        }
    }

    public var parameters: [Parameter] = []
    /// The media types that the body may have; none without a body.
    public var body: [Content] = []
    public var isBodyRequired = true
    public var answers: [Answer] = []
    /// What clients must show, all of it.
    public var security: [SecurityScheme] = []

    public init() {}
}

extension OperationDescription.Answer {
    /// A value that is sent as JSON.
    static func value(_ type: any Encodable.Type) -> OperationDescription.Answer {
        .init(.ok, content: [.init("application/json", schema: Schema(of: type))])
    }

    /// Of a response that the handler makes itself, nothing is known before.
    static var unspecified: OperationDescription.Answer {
        var answer = OperationDescription.Answer(.ok, "What the handler makes.")
        answer.isUnspecified = true
        return answer
    }
}
