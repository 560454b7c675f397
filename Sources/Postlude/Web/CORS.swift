public import HTTPTypes

/// Middleware that lets scripts of other origins call the application (CORS; Fetch standard, "HTTP CORS protocol").
///
/// ```swift
/// var middleware: [any Middleware] { [CORS(origins: ["https://shop.example"])] }
/// ```
///
/// It answers preflight requests itself: no handler is called for them. To every other answer, also that of an error, it adds the
/// fields that let the browser hand the answer to the script. A request of another origin is handled as always, but the browser
/// keeps its answer from the script.
public struct CORS: Middleware {
    /// The origins whose scripts may call the application; nil for all.
    private let origins: Set<String>?
    private let allowsCredentials: Bool
    private let preflightHeaders: HTTPFields
    private let exposedHeaders: String?

    /// - Parameters:
    ///   - origins: the origins, as browsers send them: scheme, host, and the port if it is not the scheme's own.
    ///   - allowsCredentials: whether browsers send cookies and `Authorization` of their own.
    ///   - methods: the methods that scripts may use.
    ///   - headers: the header fields that scripts may send, besides those that every script may send.
    ///   - exposing: the header fields of answers that scripts may read, besides those that every script may read.
    ///   - maxAge: how long browsers remember the answer to a preflight request; rounded down to seconds.
    public init(
        origins: Set<String>, allowsCredentials: Bool = false,
        methods: [HTTPRequest.Method] = CORS.defaultMethods, headers: [String] = CORS.defaultHeaders,
        exposing: [String] = CORS.defaultExposedHeaders, maxAge: Duration = .seconds(600)
    ) {
        self.init(origins, allowsCredentials, methods, headers, exposing, maxAge)
    }

    /// Lets scripts of all origins call the application, without credentials.
    ///
    /// - Parameters:
    ///   - methods: the methods that scripts may use.
    ///   - headers: the header fields that scripts may send, besides those that every script may send.
    ///   - exposing: the header fields of answers that scripts may read, besides those that every script may read.
    ///   - maxAge: how long browsers remember the answer to a preflight request; rounded down to seconds.
    public static func anyOrigin(
        methods: [HTTPRequest.Method] = CORS.defaultMethods, headers: [String] = CORS.defaultHeaders,
        exposing: [String] = CORS.defaultExposedHeaders, maxAge: Duration = .seconds(600)
    ) -> CORS {
        CORS(nil, false, methods, headers, exposing, maxAge)
    }

    private init(
        _ origins: Set<String>?, _ allowsCredentials: Bool, _ methods: [HTTPRequest.Method],
        _ headers: [String], _ exposing: [String], _ maxAge: Duration
    ) {
        self.origins = origins
        self.allowsCredentials = allowsCredentials
        preflightHeaders = [
            .accessControlAllowMethods: methods.map(\.rawValue).joined(separator: ", "),
            .accessControlAllowHeaders: headers.joined(separator: ", "),
            .accessControlMaxAge: "\(max(0, maxAge.components.seconds))",
        ]
        exposedHeaders = exposing.isEmpty ? nil : exposing.joined(separator: ", ")
    }

    /// GET, HEAD, POST, PUT, PATCH and DELETE.
    public static var defaultMethods: [HTTPRequest.Method] { [.get, .head, .post, .put, .patch, .delete] }
    /// `Authorization`, `Content-Type`, `Idempotency-Key` and `Last-Event-ID`.
    public static var defaultHeaders: [String] {
        ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"]
    }
    /// `Location`, `Retry-After` and `Task-Id`.
    public static var defaultExposedHeaders: [String] { ["Location", "Retry-After", "Task-Id"] }

    public func respond(to request: Request, next: Next) async throws -> Response {
        let origin = request.headers[.origin]
        if request.method == .options, origin != nil,
            request.headers[.accessControlRequestMethod] != nil
        {
            var response = Response(status: .noContent)
            if allow(origin, in: &response) {
                for field in preflightHeaders where !field.value.isEmpty { response.headers.append(field) }
            }
            return response
        }
        var response = try await next(request)
        if allow(origin, in: &response), let exposedHeaders {
            response.headers[.accessControlExposeHeaders] = exposedHeaders
        }
        return response
    }

    /// Adds the fields by which the browser decides whether the origin's script may have the response.
    ///
    /// - Returns: whether it may.
    private func allow(_ origin: String?, in response: inout Response) -> Bool {
        guard let origins else {
            response.headers[.accessControlAllowOrigin] = "*"
            return origin != nil
        }
        // Also without an origin: a cache must not answer another request with this response.
        response.headers.addToVary("Origin")
        guard let origin, origins.contains(origin) else { return false }
        response.headers[.accessControlAllowOrigin] = origin
        if allowsCredentials { response.headers[.accessControlAllowCredentials] = "true" }
        return true
    }
}

extension HTTPFields {
    /// Adds the name of a request field on which the response depends (RFC 9110, 12.5.5).
    fileprivate mutating func addToVary(_ name: String) {
        let names = self[values: .vary].flatMap { $0.split(separator: ",") }
            .map { $0.drop(while: \.isWhitespace).lowercased() }
        guard !names.contains("*"), !names.contains(name.lowercased()) else { return }
        append(HTTPField(name: .vary, value: name))
    }
}
