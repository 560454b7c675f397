public import HTTPTypes
internal import PostludeFastCGI

/// An answer that a handler or an input throws: a status and `{"detail": …}`.
///
/// The tasks that the handler has added are dropped, as for every error.
public struct HTTPError: Error, Sendable {
    /// The answer's status.
    public var status: HTTPResponse.Status
    /// What the client reads; by default the status's reason phrase.
    public var detail: String
    /// Further header fields of the answer.
    public var headers: HTTPFields

    /// - Parameters:
    ///   - status: the answer's status.
    ///   - detail: what the client reads; nil for the status's reason phrase.
    ///   - headers: further header fields of the answer.
    public init(_ status: HTTPResponse.Status, _ detail: String? = nil, headers: HTTPFields = [:]) {
        self.status = status
        self.detail = detail ?? status.reasonPhrase
        self.headers = headers
    }
}

extension Response {
    /// An error in the format of FastAPI.
    static func error(_ error: HTTPError) -> Response {
        // A dictionary of strings always encodes; should it not, the status says enough.
        (try? .json(["detail": error.detail], status: error.status, headers: error.headers))
            ?? Response(status: error.status, headers: error.headers)
    }

    /// Names the request, so that its line in the log can be found, and nothing else.
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
    /// What a handler that reads the body gets, and the client if anybody is still there (RFC 9110, 15.5).
    init(_ error: BodyError) {
        switch error {
        case .timedOut: self.init(.requestTimeout)
        case .tooLarge: self.init(.contentTooLarge)
        case .cutShort, .length, .aborted, .violation: self.init(.badRequest, "The body is not complete")
        }
    }
}
