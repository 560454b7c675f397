/// The gate's limits for what the peer of a connection may send.
package struct GateLimits: Sendable {
    /// The size of a request's PARAMS stream, in bytes.
    package var head: Int
    /// The bytes that may still arrive of a finished request before its connection is closed.
    package var drain: Int
    /// The number of management records and records of other requests between two requests.
    package var strayRecords: Int
    /// The number of requests that can be served at once: the answer to FCGI_MAX_CONNS and FCGI_MAX_REQS.
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

/// What happens to the body of a request whose head is complete.
package struct BodyPolicy: Sendable {
    enum Use: Sendable { case collect, stream, ignore }

    let use: Use
    let limit: Int
    /// A value that the caller gets back when the request is complete (`Connection.requestContext`).
    package var requestContext: (any AnyObject & Sendable)?

    /// Collects the whole body, of at most `limit` bytes.
    package static func collect(limit: Int) -> BodyPolicy { BodyPolicy(use: .collect, limit: limit) }

    /// Serves the request after its head; its handler reads the body, of at most `limit` bytes, as it arrives.
    package static func stream(limit: Int) -> BodyPolicy { BodyPolicy(use: .stream, limit: limit) }

    /// Serves the request at once, because its answer does not need the body; the body is drained afterwards.
    package static var ignore: BodyPolicy { BodyPolicy(use: .ignore, limit: 0) }

    /// Whether a body of `count` bytes is within the limit.
    package func allows(_ count: Int) -> Bool { use == .ignore || count <= limit }
}
