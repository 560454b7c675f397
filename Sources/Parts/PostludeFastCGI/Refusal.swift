/// Why a request is answered without a handler: its records are valid, but the request is not.
package enum Refusal: Error, Hashable {
    /// A parameter that could not be an environment variable, or that was sent twice with different values.
    case parameter
    /// CONTENT_LENGTH is not a number.
    case contentLength
    /// STDIN has fewer or more bytes than CONTENT_LENGTH.
    case bodyLength
    /// PARAMS are larger than the head limit.
    case headTooLarge
    /// The body is larger than the limit of its route.
    case bodyTooLarge

    /// A description for the log.
    package var reason: String {
        switch self {
        case .parameter:
            "a parameter has a NUL byte, or a name that is empty or has a =, or was sent twice with different values"
        case .contentLength: "CONTENT_LENGTH is not a number"
        case .bodyLength: "the body is not as long as CONTENT_LENGTH"
        case .headTooLarge: "the parameters are larger than limits.head"
        case .bodyTooLarge: "the body is larger than limits.body"
        }
    }
}

/// Why a streamed body has ended early. Its connection is closed after the request is answered.
package enum BodyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The next piece did not come in time.
    case timedOut
    /// The web server closed, or reset, the connection: its client went away.
    case cutShort
    /// A body without CONTENT_LENGTH is larger than the limit.
    case tooLarge
    /// STDIN has fewer or more bytes than CONTENT_LENGTH.
    case length
    /// The web server aborted the request (ABORT_REQUEST).
    case aborted
    /// The records violate the protocol.
    case violation(ProtocolViolation)

    package var description: String {
        switch self {
        case .timedOut: "the next piece of the request's body did not arrive in time"
        case .cutShort: "the request's body was cut short: the client or the web server went away"
        case .tooLarge: "the request's body is larger than its route's limit"
        case .length: "the request's body is not as long as CONTENT_LENGTH"
        case .aborted: "the web server aborted the request in the middle of its body"
        case .violation(let violation): "in the middle of the request's body: \(violation)"
        }
    }
}
