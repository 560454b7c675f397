/// How long the stages of a connection may take.
package struct ConnectionTimes: Sendable {
    /// From a connection's, or a head's, first byte to the head's last.
    package var head: Duration
    /// Between two pieces of a body.
    package var read: Duration
    /// For one response.
    package var write: Duration
    /// For what a finished request still sends.
    package var linger: Duration

    package init(
        head: Duration = .seconds(10), read: Duration = .seconds(60), write: Duration = .seconds(60),
        linger: Duration = .seconds(10)
    ) {
        self.head = head
        self.read = read
        self.write = write
        self.linger = linger
    }
}
