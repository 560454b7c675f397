/// Why a connection ended.
package enum ConnectionEnd: Hashable, Sendable, CustomStringConvertible {
    /// Closed by the web server between two requests, or after its last one: not an error.
    case closed
    /// Closed by the web server in the middle of a request: the client went away.
    case cutShort
    case lost
    case timedOut
    case violation(ProtocolViolation)
    case repliesNotTaken
    case undelivered
    /// A parked response whose web server has taken too little of it.
    case tooSlow
    case foreignPeer(SocketAddress)
    case foreignUser(UInt32)
    case tooMany

    /// The label under which ends are counted: the description without values that a peer chooses.
    package var label: String {
        switch self {
        case .violation(.version): "record of another FastCGI version"
        case .violation(.unexpectedRecord), .violation(.requestID), .violation(.repeatedBeginRequest):
            "unexpected record"
        case .violation(.beginRequestLength): "BEGIN_REQUEST of the wrong length"
        case .foreignPeer: "peer not allowed by FCGI_WEB_SERVER_ADDRS or listen.allow"
        case .foreignUser: "peer not allowed by listen.allow-users"
        default: description
        }
    }

    package var description: String {
        switch self {
        case .closed: "closed by the web server"
        case .cutShort: "closed by the web server in the middle of a request"
        case .lost: "connection reset"
        case .timedOut: "timed out"
        case .violation(let violation): violation.description
        case .repliesNotTaken: "replies to management records were not read"
        case .undelivered: "the response was not read"
        case .tooSlow: "an event stream was not read"
        case .tooMany: "more connections than a process accepts"
        case .foreignPeer(let peer): "peer \(peer) is in neither FCGI_WEB_SERVER_ADDRS nor listen.allow"
        case .foreignUser(let user): "user \(user) is not in listen.allow-users"
        }
    }
}

extension ConnectionEnd {
    /// The end under which an error of a streamed body is counted; nil if the records were valid, as with a refusal.
    init?(_ error: BodyError) {
        switch error {
        case .timedOut: self = .timedOut
        case .cutShort: self = .cutShort
        case .violation(let violation): self = .violation(violation)
        case .tooLarge, .length, .aborted: return nil
        }
    }
}
