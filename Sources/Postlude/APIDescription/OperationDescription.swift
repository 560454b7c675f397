public import HTTPTypes

/// The description of a handler's inputs and output: an operation of the API's description (OpenAPI 3.1, 4.8.10).
public struct OperationDescription: Sendable {
    /// A parameter outside of the body.
    public struct Parameter: Sendable {
        /// The location of a parameter in a request.
        public enum Location: String, Sendable {
            /// A parameter of the route's pattern.
            case path
            /// A parameter of the query.
            case query
            /// A header field.
            case header
            /// A cookie.
            case cookie
        }

        /// The location.
        public var location: Location
        /// The name, as the client writes it.
        public var name: String
        /// Whether a request without the parameter is refused.
        public var isRequired: Bool
        /// The schema of the parameter's values.
        public var schema: Schema
        /// A description, in CommonMark.
        public var description: String?
        /// How the value is written; nil for the usual way.
        var style: String?

        /// Creates a parameter.
        public init(
            _ location: Location, _ name: String, isRequired: Bool = true, schema: Schema,
            description: String? = nil
        ) {
            self.location = location
            self.name = name
            self.isRequired = isRequired
            self.schema = schema
            self.description = description
        }
    }

    /// A body in one media type.
    public struct Content: Sendable {
        /// The media type, such as `application/json`.
        public var mediaType: String
        /// The schema of the body.
        public var schema: Schema
        /// An example of the body; without one, the document's page makes one of the schema.
        public var example: JSONValue?
        /// How the properties of a form are written as fields, by name.
        var encoding: [String: JSONValue] = [:]

        /// Creates a body, or one of its alternatives.
        public init(_ mediaType: String, schema: Schema, example: JSONValue? = nil) {
            self.mediaType = mediaType
            self.schema = schema
            self.example = example
        }
    }

    /// One of the responses.
    public struct ResponseDescription: Sendable {
        /// The response's status.
        public var status: HTTPResponse.Status
        /// A description of when the response is sent, in CommonMark; by default the status's reason phrase.
        public var description: String
        /// The alternatives for the response's body; empty if it has no body.
        public var content: [Content]
        /// Whether the status can vary: the document then describes only that it is a success or a redirection.
        var isUnspecified = false
        /// The name of the type that is sent, if no schema can be derived from it.
        var opaqueType: String?

        /// Creates a response.
        public init(_ status: HTTPResponse.Status, _ description: String? = nil, content: [Content] = []) {
            self.status = status
            self.description = description ?? status.reasonPhrase
            self.content = content
        }
    }

    /// The parameters outside of the body.
    public var parameters: [Parameter] = []
    /// The alternatives for the request's body; empty if it has no body.
    public var body: [Content] = []
    /// Whether a request without a body is refused.
    public var isBodyRequired = true
    /// The responses that a client may receive.
    public var answers: [ResponseDescription] = []
    /// The security schemes, all of which a client must satisfy.
    public var security: [SecurityScheme] = []

    /// Creates an operation without inputs and outputs.
    public init() {}
}

extension OperationDescription.ResponseDescription {
    /// A response whose status and body are unknown, because the handler makes it.
    static var unspecified: OperationDescription.ResponseDescription {
        var answer = OperationDescription.ResponseDescription(.ok, "The handler's response.")
        answer.isUnspecified = true
        return answer
    }
}
