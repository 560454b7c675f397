public import HTTPTypes

/// The details of a problem (RFC 9457), which a handler throws, or returns as its response. They are sent as
/// `application/problem+json`, whatever the application's ``ErrorFormat``.
///
/// ```swift
/// throw Problem(
///     .forbidden, "Your balance is 30, and the order costs 50.",
///     type: "https://shop.example/problems/out-of-credit", title: "You do not have enough credit",
///     members: ["balance": 30])
/// ```
///
/// An error of the application that conforms to ``ProblemConvertible`` is sent in the same way.
public struct Problem: ProblemConvertible, Sendable {
    /// The status of the answer.
    public var status: HTTPResponse.Status
    /// A URI reference that identifies the kind of problem, by which clients distinguish them. `about:blank` says no more than the
    /// status.
    public var type: String
    /// A summary of the kind of problem, the same for all problems of this type.
    public var title: String
    /// What is wrong with this request, for people.
    public var detail: String?
    /// A URI reference that identifies this occurrence; nil for the request's path.
    public var instance: String?
    /// Further members of the body, by name. Those above cannot be replaced.
    public var members: [String: JSONValue]
    /// Further header fields of the answer.
    public var headers: HTTPFields

    /// - Parameters:
    ///   - status: the status of the answer.
    ///   - detail: what is wrong with this request; nil for the title.
    ///   - type: a URI reference that identifies the kind of problem.
    ///   - title: a summary of the kind of problem; nil for the status's reason phrase.
    ///   - instance: a URI reference that identifies this occurrence; nil for the request's path.
    ///   - members: further members of the body, by name.
    ///   - headers: further header fields of the answer.
    public init(
        _ status: HTTPResponse.Status, _ detail: String? = nil, type: String = "about:blank",
        title: String? = nil, instance: String? = nil, members: [String: JSONValue] = [:],
        headers: HTTPFields = [:]
    ) {
        self.status = status
        self.type = type
        self.title = title ?? status.reasonPhrase
        self.detail = detail ?? self.title
        self.instance = instance
        self.members = members
        self.headers = headers
    }

    static let mediaType = "application/problem+json"

    /// The problem itself.
    public var problem: Problem { self }

    public func response() throws -> Response {
        var all = members
        all["type"] = .string(type)
        all["title"] = .string(title)
        all["status"] = .integer(status.code)
        // Absent members are removed, also if `members` has them.
        all["detail"] = detail.map(JSONValue.string)
        all["instance"] = instance.map(JSONValue.string)
        var response = try Response.json(all, status: status, headers: headers)
        response.contentType = Self.mediaType
        return response
    }
}

/// An error of the application that says which problem the client gets (RFC 9457). If its status is 500 or above, the error is
/// logged as well.
///
/// ```swift
/// enum OrderError: ProblemConvertible {
///     case soldOut(left: Int)
///
///     var problem: Problem {
///         switch self {
///         case .soldOut(let left):
///             Problem(
///                 .conflict, type: "https://shop.example/problems/sold-out", title: "Sold out",
///                 members: ["left": .integer(left)])
///         }
///     }
/// }
/// ```
public protocol ProblemConvertible: Error, ResponseConvertible {
    /// The problem that is sent to the client. It has nothing that only the server may know.
    var problem: Problem { get }
}

extension ProblemConvertible {
    public func response() throws -> Response { try problem.response() }
}

extension Problem: SchemaProviding {
    public static var schema: Schema {
        func text(_ description: String, format: String? = nil) -> JSONValue {
            var keywords: [String: JSONValue] = ["type": "string", "description": .string(description)]
            keywords["format"] = format.map(JSONValue.string)
            return .object(keywords)
        }
        return Schema([
            "type": "object", "required": ["type", "title", "status"],
            "properties": [
                "type": text(
                    "The kind of problem, by which programs distinguish them.", format: "uri-reference"),
                "title": text("The kind of problem, for people."),
                "status": ["type": "integer", "description": "The status of the response."],
                "detail": text("What is wrong with this request."),
                "instance": text("The path of the request.", format: "uri-reference"),
            ],
        ])
    }
}

extension OperationDescription.ResponseDescription {
    /// Returns the description of a response with problem details.
    ///
    /// - Parameters:
    ///   - status: the response's status.
    ///   - description: when the response is sent; nil for the status's reason phrase.
    public static func problem(_ status: HTTPResponse.Status, _ description: String? = nil) -> Self {
        Self(status, description, content: [.init(Problem.mediaType, schema: Problem.schema)])
    }
}
