internal import HTTPTypes
internal import PostludeFastCGI

/// The format of the answers to errors. ``Application/errorFormat`` sets it for all answers of an application.
public enum ErrorFormat: Hashable, Sendable {
    /// `{"detail": …}` in `application/json`, as in FastAPI. Wrong inputs are a list in `detail`.
    case fastAPI
    /// Problem details in `application/problem+json` (RFC 9457), as ``Problem`` has them. Wrong inputs are a list in `errors`.
    case problemDetails
}

extension ShortResponse.Format {
    init(_ format: ErrorFormat) {
        switch format {
        case .fastAPI: self = .detail
        case .problemDetails: self = .problem
        }
    }
}

/// Makes the answers to the errors of one request. They describe errors of the client, and no internal ones.
struct ErrorAnswers {
    var format = ErrorFormat.fastAPI
    /// The request's path as the client has sent it; nil if that is not known, or is not a URI reference.
    var instance: String?

    func response(to error: HTTPError) -> Response {
        switch format {
        case .fastAPI: .error(error)
        case .problemDetails: response(to: Problem(error.status, error.detail, headers: error.headers))
        }
    }

    /// Makes the answer to an internal error: only the request's id, by which its entry in the log can be found.
    func internalServerError(requestID: String) -> Response {
        switch format {
        case .fastAPI: .internalServerError(requestID: requestID)
        case .problemDetails:
            response(to: Problem(.internalServerError, members: ["request_id": .string(requestID)]))
        }
    }

    /// Returns the problem's response, with the request's path if the problem has no `instance` of its own.
    func response(to problem: Problem) -> Response {
        var problem = problem
        problem.instance = problem.instance ?? instance
        // Encoding texts cannot fail; if it did, the status would suffice.
        return (try? problem.response()) ?? Response(status: problem.status, headers: problem.headers)
    }
}

extension ErrorAnswers {
    /// - Parameter head: the head of the request that is answered.
    init(_ format: ErrorFormat, to head: RequestHead) {
        self.init(format: format, instance: format == .problemDetails ? head.targetPath : nil)
    }
}
