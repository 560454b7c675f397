public import HTTPTypes

/// What a handler's inputs and output say of themselves: an operation of the API's description (OpenAPI 3.1, 4.8.10).
public struct OperationDescription: Sendable {
    /// A parameter outside of the body.
    public struct Parameter: Sendable {
        /// Where the parameter stands.
        public enum Place: String, Sendable {
            /// A parameter of the route's pattern.
            case path
            /// A parameter of the query.
            case query
            /// A header field.
            case header
            /// A cookie.
            case cookie
        }

        /// Where it stands.
        public var place: Place
        /// As the client writes it.
        public var name: String
        /// Whether a request without it is refused.
        public var isRequired: Bool
        /// What it may be.
        public var schema: Schema
        /// What it is, in CommonMark.
        public var description: String?

        /// A parameter.
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
        /// Such as `application/json`.
        public var mediaType: String
        /// What it looks like.
        public var schema: Schema

        /// A body, or one of its forms.
        public init(_ mediaType: String, schema: Schema) {
            self.mediaType = mediaType
            self.schema = schema
        }
    }

    /// One of the answers.
    public struct ResponseDescription: Sendable {
        /// The answer's status.
        public var status: HTTPResponse.Status
        /// When it is given, in CommonMark; by default the status's reason phrase.
        public var description: String
        /// The bodies that it may have; none without a body.
        public var content: [Content]
        /// The status is one of many: the document says no more than that it is a success or a redirection.
        var isUnspecified = false
        /// The name of the type that is sent, where it does not tell what it looks like.
        var opaqueType: String?

        /// An answer.
        public init(_ status: HTTPResponse.Status, _ description: String? = nil, content: [Content] = []) {
            self.status = status
            self.description = description ?? status.reasonPhrase
            self.content = content
        }
    }

    /// The parameters outside of the body.
    public var parameters: [Parameter] = []
    /// The media types that the body may have; none without a body.
    public var body: [Content] = []
    /// Whether a request without a body is refused.
    public var isBodyRequired = true
    /// What a client may get.
    public var answers: [ResponseDescription] = []
    /// What clients must show, all of it.
    public var security: [SecurityScheme] = []

    /// An operation without inputs and outputs.
    public init() {}
}

extension OperationDescription.ResponseDescription {
    /// Of a response that the handler makes itself, nothing is known before.
    static var unspecified: OperationDescription.ResponseDescription {
        var answer = OperationDescription.ResponseDescription(.ok, "The handler's response.")
        answer.isUnspecified = true
        return answer
    }
}
