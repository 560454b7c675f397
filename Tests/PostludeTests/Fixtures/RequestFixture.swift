import HTTPTypes
import PostludeFastCGI
import PostludeManifest
import PostludeRouting
import PostludeSystem

@testable import Postlude

/// Requests as a worker gets them: encoded as FastCGI records, and passed through the gate and the route
/// table.
struct RequestFixture {
    var method = "GET"
    var uri = "/"
    /// The pattern of the only route.
    var route = "/{rest:path}"
    /// FastCGI parameters besides the method and the URI, such as `HTTP_USER_AGENT`.
    var parameters: [(String, String)] = []
    var body = ""
    var log = RecordedLog()
    var limits = Manifest.TaskLimits()
    var registry = TaskRegistry()
    /// The routes of which `Request.path(of:)` makes paths.
    var routes = RoutePaths()

    struct Failure: Error {
        let reason: String
    }

    func head() throws -> RequestHead { try takeRequest().head }

    func request() throws -> Request {
        let (head, body) = try takeRequest()
        guard let method = HTTPRequest.Method(method) else { throw Failure(reason: "no method") }
        let path = try RoutePath(requestURI: uri.utf8)
        let table = try RouteTable([(methods: [method], pattern: RoutePattern(route))])
        guard case .route(_, let values) = table.route(method, path, using: try RouteMatcher()) else {
            throw Failure(reason: "\(route) does not match \(uri)")
        }
        return Request(
            RequestStorage(
                method: method, path: path, route: route, parameters: Request.Parameters(values: values),
                head: head, body: BodySource(body),
                tasks: TaskQueueSource(registry: registry, limits: limits, logger: log.logger),
                routes: routes))
    }

    /// The records that a web server sends over a kept connection.
    var records: [UInt8] {
        var pairs = [("REQUEST_METHOD", method), ("REQUEST_URI", uri)] + parameters
        if !body.isEmpty { pairs.append(("CONTENT_LENGTH", "\(body.utf8.count)")) }
        return Self.record(1, [0, 1, 1, 0, 0, 0, 0, 0])
            + Self.stream(4, pairs.flatMap { Self.pair($0.0, $0.1) }) + Self.stream(5, Array(body.utf8))
    }

    private func takeRequest() throws -> (head: RequestHead, body: [UInt8]) {
        let bytes = records
        var gate = Gate(limits: GateLimits(head: 1 << 20))
        var offset = 0
        let progress = try gate.advance(bytes.span, from: &offset) { _ in .collect(limit: 64 << 20) }
        guard progress == .request else { throw Failure(reason: "the gate says \(progress)") }
        return gate.takeRequest()
    }

    /// A stream in records, split like nginx's, and the empty one that ends it.
    private static func stream(_ type: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        stride(from: 0, to: bytes.count, by: 0x8000).flatMap { start in
            record(type, Array(bytes[start..<min(start + 0x8000, bytes.count)]))
        } + record(type, [])
    }

    private static func record(_ type: UInt8, _ content: [UInt8]) -> [UInt8] {
        [1, type, 0, 1, UInt8(content.count >> 8), UInt8(content.count & 255), 0, 0] + content
    }

    private static func pair(_ name: String, _ value: String) -> [UInt8] {
        length(name.utf8.count) + length(value.utf8.count) + Array(name.utf8) + Array(value.utf8)
    }

    private static func length(_ count: Int) -> [UInt8] {
        count < 128
            ? [UInt8(count)]
            : [
                UInt8(count >> 24) | 0x80, UInt8(count >> 16 & 255), UInt8(count >> 8 & 255),
                UInt8(count & 255),
            ]
    }
}

extension RequestFixture {
    static func get(_ uri: String, route: String = "/{rest:path}") -> RequestFixture {
        RequestFixture(uri: uri, route: route)
    }

    static func post(_ body: String) -> RequestFixture {
        RequestFixture(method: "POST", parameters: [("CONTENT_TYPE", "application/json")], body: body)
    }
}
