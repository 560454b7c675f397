internal import HTTPTypes
internal import Metrics
internal import PostludeFastCGI
internal import PostludeSystem

/// Counts and times requests: `http.server.requests` and `http.server.request.duration`, by method, route and status.
final class RequestMetrics: Sendable {
    private struct Key: Hashable {
        let method: String
        let route: String
        let status: Int
    }

    private struct Meters {
        let counter: Counter
        let timer: Timer
    }

    private let factory: any MetricsFactory
    private let meters = Lock<[Key: Meters]>([:])

    init(_ factory: any MetricsFactory) { self.factory = factory }

    /// - Parameters:
    ///   - method: a known method, or `_OTHER`.
    ///   - route: the pattern of the route; empty if no route matches.
    func record(_ duration: Duration, method: String, route: String, status: Int) {
        let meters = meters(Key(method: method, route: route, status: status))
        meters.counter.increment()
        meters.timer.recordNanoseconds(duration.saturatedNanoseconds)
    }

    /// Records a request that was answered without calling the application.
    func record(_ duration: Duration, of head: RequestHead, route: String, status: Int) {
        let method = head.string("REQUEST_METHOD").flatMap { HTTPRequest.Method($0) }
        record(duration, method: method.map(Self.name) ?? "_OTHER", route: route, status: status)
    }

    /// Returns the name of a method in metrics. Unknown methods, which clients can choose freely, share one name.
    static func name(of method: HTTPRequest.Method) -> String { known[method] ?? "_OTHER" }

    private static let known: [HTTPRequest.Method: String] = Dictionary(
        uniqueKeysWithValues: [
            HTTPRequest.Method.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch,
        ].map { ($0, $0.rawValue) })

    private func meters(_ key: Key) -> Meters {
        meters.withLock { meters in
            if let known = meters[key] { return known }
            var dimensions = [
                ("http.request.method", key.method), ("http.response.status_code", "\(key.status)"),
            ]
            if !key.route.isEmpty { dimensions.append(("http.route", key.route)) }
            let new = Meters(
                counter: Counter(label: "http.server.requests", dimensions: dimensions, factory: factory),
                timer: Timer(
                    label: "http.server.request.duration", dimensions: dimensions, factory: factory))
            meters[key] = new
            return new
        }
    }
}
