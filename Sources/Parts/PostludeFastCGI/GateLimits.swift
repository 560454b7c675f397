/// The bounds that the gate holds a connection to, whatever its peer sends.
package struct GateLimits: Sendable {
    /// Bytes of one request's PARAMS stream.
    package var head: Int
    /// Bytes that a finished request may still send before its connection is closed.
    package var drain: Int
    /// Management records and records of other requests between two requests.
    package var strayRecords: Int
    /// What FCGI_MAX_CONNS and FCGI_MAX_REQS are answered with: requests that can be served at once.
    package var concurrentRequests: Int

    package init(
        head: Int = 64 << 10, drain: Int = 64 << 20, strayRecords: Int = 64, concurrentRequests: Int = 64
    ) {
        self.head = head
        self.drain = drain
        self.strayRecords = strayRecords
        self.concurrentRequests = concurrentRequests
    }
}

/// What happens to the body of a request whose head is known.
package struct BodyPolicy: Sendable {
    enum Use: Sendable { case collect, stream, ignore }

    let use: Use
    let limit: Int
    /// What the caller wants to find again when the request is complete (`Connection.requestContext`).
    package var requestContext: (any AnyObject & Sendable)?

    /// The whole body is collected, up to so many bytes.
    package static func collect(limit: Int) -> BodyPolicy { BodyPolicy(use: .collect, limit: limit) }

    /// The request is served at its head; its handler reads the body, of so many bytes at most, as it comes.
    package static func stream(limit: Int) -> BodyPolicy { BodyPolicy(use: .stream, limit: limit) }

    /// The answer is known without it: the request is served at once, its body is drained afterwards.
    package static var ignore: BodyPolicy { BodyPolicy(use: .ignore, limit: 0) }

    /// Whether a body of so many bytes is not too large.
    package func allows(_ count: Int) -> Bool { use == .ignore || count <= limit }
}
