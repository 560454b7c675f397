/// Why a request is answered by Postlude itself, before any handler: the frame was sound, the request is not.
package enum Refusal: Error, Hashable {
    /// A parameter that libfcgi would cut short or take for another one, or a contradictory one.
    case parameter
    /// CONTENT_LENGTH is no number.
    case contentLength
    /// STDIN ended before CONTENT_LENGTH bytes had come, or went on after them.
    case bodyLength
    /// PARAMS are larger than the head limit.
    case headTooLarge
    /// The body is larger than the limit of its route.
    case bodyTooLarge
}

/// What the gate found wrong: with the bytes (the connection ends) or with the request (it is answered).
enum GateError: Error {
    case violation(ProtocolViolation)
    case refusal(Refusal)
}
