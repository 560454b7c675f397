internal import HTTPTypes

/// How a request ended: what the tasks' conditions are about.
struct RequestOutcome: Sendable {
    /// What answers the request has thrown as a whole: the handler or an input where no middleware is around it, else the
    /// outermost middleware. Or the request was refused.
    var hasThrown: Bool
    var status: HTTPResponse.Status
    /// The web server took the whole response.
    var isDelivered: Bool
    /// How long the answer took; nil if it is not measured.
    var duration: Duration?
}
