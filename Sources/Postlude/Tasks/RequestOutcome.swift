internal import HTTPTypes

/// How a request ended: what the tasks' conditions are about.
struct RequestOutcome: Sendable {
    /// The handler, an input or middleware has thrown.
    var hasThrown: Bool
    var status: HTTPResponse.Status
    /// The web server took the whole response.
    var isTaken: Bool
    /// How long the answer took; nil where nobody looks.
    var duration: Duration?
}
