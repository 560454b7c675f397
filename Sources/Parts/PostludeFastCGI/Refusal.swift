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
