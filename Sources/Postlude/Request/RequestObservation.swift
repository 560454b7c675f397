internal import HTTPTypes
internal import PostludeFastCGI
internal import PostludeSystem
internal import Tracing

/// The span and the metrics of a request, from before its inputs are decoded until its response is finished.
///
/// Names of attributes follow OpenTelemetry's semantic conventions for HTTP servers.
final class RequestObservation {
    /// The context of the request's span, the parent of the handler's own spans.
    let context: ServiceContext?
    private let span: (any Span)?
    private let metrics: RequestMetrics?
    private let method: String
    private let route: String
    private let start = MonotonicTime.now

    init(of request: Request, for observability: Observability) {
        let storage = request.storage
        method = RequestMetrics.name(of: storage.method)
        route = storage.route
        metrics = observability.requests
        guard let instrument = observability.instrument else {
            (span, context) = (nil, nil)
            return
        }
        var incoming = ServiceContext.topLevel
        instrument.extract(storage.head, into: &incoming, using: HeadExtractor())
        let name = method == "_OTHER" ? "HTTP" : method
        span = observability.tracer?.startSpan(
            route.isEmpty ? name : "\(name) \(route)", context: incoming, ofKind: .server)
        context = span?.context ?? incoming
        span?.updateAttributes { [method, route] attributes in
            attributes["http.request.method"] = method
            if method == "_OTHER" { attributes["http.request.method_original"] = storage.method.rawValue }
            if !route.isEmpty { attributes["http.route"] = route }
            attributes["url.path"] = request.path
            attributes["url.scheme"] = storage.head.string("REQUEST_SCHEME") ?? "http"
            if let address = storage.head.string("REMOTE_ADDR") { attributes["client.address"] = address }
            attributes["postlude.request.id"] = storage.id
        }
    }

    /// Records the metrics and ends the span, after the response is finished.
    ///
    /// - Parameters:
    ///   - duration: the time that the response took; nil if it was finished just now.
    ///   - error: the error that was thrown, if any. It is recorded only for a status of 500 or above.
    func end(_ outcome: RequestOutcome, after duration: Duration?, error: (any Error)?) {
        let status = outcome.status.code
        metrics?.record(
            duration ?? MonotonicTime.now - start, method: method, route: route, status: status)
        guard let span else { return }
        span.attributes["http.response.status_code"] = status
        if !outcome.isDelivered { span.attributes["postlude.response.delivered"] = false }
        if status >= 500 {
            span.attributes["error.type"] = error.map { "\(type(of: $0))" } ?? "\(status)"
            if let error { span.recordError(error) }
            span.setStatus(SpanStatus(code: .error))
        }
        span.end()
    }
}

extension Observability {
    /// Begins to observe a request.
    ///
    /// - Returns: nil if neither tracing nor metrics have a backend.
    func begin(_ request: Request) -> RequestObservation? {
        guard instrument != nil || requests != nil else { return nil }
        return RequestObservation(of: request, for: self)
    }
}
