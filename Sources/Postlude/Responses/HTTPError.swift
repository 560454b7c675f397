public import HTTPTypes
internal import PostludeFastCGI

/// An error that a handler or an input throws, which is answered with a status and `{"detail": …}`.
///
/// The tasks that the handler has added are dropped, as for every error.
public struct HTTPError: Error, Sendable {
    /// The answer's status.
    public var status: HTTPResponse.Status
    /// The text for the client; by default the status's reason phrase.
    public var detail: String
    /// Further header fields of the answer.
    public var headers: HTTPFields

    /// - Parameters:
    ///   - status: the answer's status.
    ///   - detail: the text for the client; nil for the status's reason phrase.
    ///   - headers: further header fields of the answer.
    public init(_ status: HTTPResponse.Status, _ detail: String? = nil, headers: HTTPFields = [:]) {
        self.status = status
        self.detail = detail ?? status.reasonPhrase
        self.headers = headers
    }
}

extension Response {
    /// Makes the answer to an error, in the format of FastAPI.
    static func error(_ error: HTTPError) -> Response {
        // Encoding a dictionary of strings cannot fail; if it did, the status would suffice.
        (try? .json(["detail": error.detail], status: error.status, headers: error.headers))
            ?? Response(status: error.status, headers: error.headers)
    }

    /// Makes the answer to an internal error: only the request's id, by which its entry in the log can be found.
    static func internalServerError(requestID: String) -> Response {
        let status = HTTPResponse.Status.internalServerError
        return (try? .json(["detail": status.reasonPhrase, "request_id": requestID], status: status))
            ?? Response(status: status)
    }
}

extension Refusal {
    /// The HTTP status that the client gets (RFC 9110, 15.5; RFC 6585, 5).
    var status: HTTPResponse.Status {
        switch self {
        case .parameter, .contentLength, .bodyLength: .badRequest
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .bodyTooLarge: .contentTooLarge
        }
    }
}

extension HTTPError {
    /// Makes the error that a handler gets when it reads the body, and the client if it is still connected (RFC 9110, 15.5).
    init(_ error: BodyError) {
        switch error {
        case .timedOut: self.init(.requestTimeout)
        case .tooLarge: self.init(.contentTooLarge)
        case .cutShort, .length, .aborted, .violation: self.init(.badRequest, "The body is not complete")
        }
    }
}
