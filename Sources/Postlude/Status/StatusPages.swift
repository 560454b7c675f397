internal import HTTPTypes

/// What the status socket answers. The last segment of the path chooses, so that a web server may have them anywhere.
struct StatusPages: Sendable {
    static let name = "status"
    private let source: StatusSource

    init(_ source: StatusSource) { self.source = source }

    var handler: Handler {
        Handler(Self.name) { (request: Request) in try response(to: request) }
    }

    private func response(to request: Request) throws -> Response {
        let wishes = Set(request.queryItems.map(\.name))
        switch request.path.split(separator: "/").last {
        // php-fpm's `?json` and `?openmetrics`.
        case "status" where wishes.contains("json"): return try json(wishes)
        case "status" where wishes.contains("openmetrics"): return metrics
        case "status": return StatusPage().response()
        case "status.json": return try json(wishes)
        case "metrics": return metrics
        case "ping": return .text("pong", headers: Self.headers)
        default:
            return .text(
                "There is status, status.json, metrics and ping.\n", status: .notFound, headers: Self.headers)
        }
    }

    private func json(_ wishes: Set<String>) throws -> Response {
        try .json(source.report(history: wishes.contains("history")), headers: Self.headers)
    }

    private var metrics: Response {
        Response(
            contentType: OpenMetrics.contentType, headers: Self.headers, body: Array(source.metrics.utf8))
    }

    private static let headers: HTTPFields = [.cacheControl: "no-store", .xContentTypeOptions: "nosniff"]
}
