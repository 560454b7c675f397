/// Why a request is answered by Postlude itself, before any handler: the frame was sound, the request is not.
package enum Refusal: Error, Hashable {
    /// A parameter that libfcgi would cut short or take for another one, or a contradictory one.
    case parameter
    /// CONTENT_LENGTH is not a number.
    case contentLength
    /// STDIN ended before CONTENT_LENGTH bytes had come, or went on after them.
    case bodyLength
    /// PARAMS are larger than the head limit.
    case headTooLarge
    /// The body is larger than the limit of its route.
    case bodyTooLarge

    /// For the log.
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

/// Why a streamed body ended before its time. Its connection is closed once the request is answered.
package enum BodyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The next piece did not come in time.
    case timedOut
    /// The web server closed, or reset, the connection: its client went away.
    case cutShort
    /// Without a CONTENT_LENGTH more than the limit came.
    case tooLarge
    /// STDIN ended before CONTENT_LENGTH bytes had come, or went on after them.
    case length
    /// The web server gave the request up (ABORT_REQUEST).
    case aborted
    /// Bytes that are not a record of a request.
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
