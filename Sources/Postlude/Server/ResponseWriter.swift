internal import FastCGI
internal import HTTPTypes

/// Writes one worker's responses, one after another.
final class ResponseWriter {
    private let fcgx: FCGXRequest
    private let deadline: WriteDeadline
    private let time: Duration
    private var head: [UInt8] = []

    /// - Parameter time: for one response.
    init(fcgx: FCGXRequest, deadline: WriteDeadline, time: Duration) {
        self.fcgx = fcgx
        self.deadline = deadline
        self.time = time
    }

    /// Writes everything before finish.
    ///
    /// - Parameter isHead: leaves the body out.
    /// - Returns: false when the web server takes no more.
    func write(_ response: Response, isHead: Bool, on connection: Connection) -> Bool {
        ResponseHead.write(response, into: &head)
        guard head.withUnsafeBytes({ fcgx.write($0) }) else { return false }
        guard !isHead, response.status.allowsBody else { return true }
        return response.body.withUnsafeBytes { body in
            // What fits libfcgi's buffer goes out with END_REQUEST in one write, which SO_SNDTIMEO bounds.
            guard body.count > 4096 else { return fcgx.write(body) }
            deadline.start(connection.descriptor, within: time)
            // Before finish: after a write error libfcgi closes the descriptor, and the number may be reused.
            defer { deadline.stop() }
            return fcgx.write(body) && fcgx.flush()
        }
    }
}
