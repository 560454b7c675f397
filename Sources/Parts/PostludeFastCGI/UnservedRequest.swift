package import PostludeSystem

/// A request that was answered without a worker: every one was busy, or its body did not come in time.
package struct UnservedRequest: Sendable {
    package let head: RequestHead
    package let response: ShortResponse
    /// Whether the kernel has taken the whole response.
    package let isSent: Bool
    /// Since when the request waited, or its body was awaited.
    package let start: MonotonicTime

    /// Sends the response.
    init(_ head: RequestHead, on connection: Connection, since start: MonotonicTime, answer: ShortResponse) {
        self.head = head
        self.start = start
        response = answer
        isSent = answer.send(to: head, on: connection)
    }

    /// Bytes that the web server was given: of the body, and of head and body; none where it did not take all.
    package var bytesSent: (body: Int, all: Int) { isSent ? response.byteCount(for: head) : (0, 0) }
}
