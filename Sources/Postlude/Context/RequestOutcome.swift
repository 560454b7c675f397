internal import HTTPTypes

/// The outcome of a request, which the conditions of its tasks test.
struct RequestOutcome: Sendable {
    /// Whether the outermost middleware (or the handler or an input, if there is no middleware) has thrown, or the
    /// request was refused.
    var hasThrown: Bool
    var status: HTTPResponse.Status
    /// Whether the web server has received the whole response.
    var isDelivered: Bool
    /// The time that the response took; nil if it is not measured.
    var duration: Duration?
}
