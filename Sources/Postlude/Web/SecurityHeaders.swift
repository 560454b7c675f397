internal import FoundationEssentials
internal import HTTPTypes

/// Middleware that adds header fields by which browsers protect the application's pages. Fields that an answer has already stay.
///
/// ```swift
/// var middleware: [any Middleware] {
///     [SecurityHeaders(contentSecurityPolicy: "default-src 'self'; script-src 'nonce-{nonce}'")]
/// }
/// ```
///
/// Each answer gets `X-Content-Type-Options: nosniff`, `X-Frame-Options` and `Referrer-Policy`, and what is given here.
public struct SecurityHeaders: Middleware {
    private static let placeholder = "{nonce}"

    private let fields: [HTTPField]
    private let policy: String?
    private let needsNonce: Bool

    /// - Parameters:
    ///   - contentSecurityPolicy: the value of `Content-Security-Policy` (CSP level 3); `{nonce}` stands for the request's
    ///     ``CSPNonce``. nil for none.
    ///   - transportSecurity: for how long browsers use HTTPS only (RFC 6797), rounded down to seconds; nil for no such field.
    ///     Browsers cannot be told to forget it over HTTP, so begin with a short time.
    ///   - frames: the value of `X-Frame-Options`, `DENY` or `SAMEORIGIN`; nil for no such field.
    ///   - referrer: the value of `Referrer-Policy`; nil for no such field.
    public init(
        contentSecurityPolicy: String? = nil, transportSecurity: Duration? = nil, frames: String? = "DENY",
        referrer: String? = "strict-origin-when-cross-origin"
    ) {
        policy = contentSecurityPolicy
        needsNonce = contentSecurityPolicy?.contains(Self.placeholder) ?? false
        var fields = [HTTPField(name: .xContentTypeOptions, value: "nosniff")]
        if let frames, let name = HTTPField.Name("X-Frame-Options") {
            fields.append(HTTPField(name: name, value: frames))
        }
        if let referrer, let name = HTTPField.Name("Referrer-Policy") {
            fields.append(HTTPField(name: name, value: referrer))
        }
        if let transportSecurity {
            let seconds = max(0, transportSecurity.components.seconds)
            fields.append(HTTPField(name: .strictTransportSecurity, value: "max-age=\(seconds)"))
        }
        self.fields = fields
    }

    public func respond(to request: Request, next: Next) async throws -> Response {
        if needsNonce { try await request.resolve(CSPNonce.self) }
        var response = try await next(request)
        for field in fields where response.headers[field.name] == nil { response.headers.append(field) }
        if let policy, response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] =
                needsNonce
                ? policy.replacing(Self.placeholder, with: try request.dependency(CSPNonce.self).value)
                : policy
        }
        return response
    }
}

/// A random value for one response, which the page repeats at its scripts and styles so that the browser runs them (CSP level 3,
/// 2.3.1).
///
/// ```swift
/// func page(nonce: Dependency<CSPNonce>) -> Response {
///     .html("<script nonce=\"\(nonce.value.value)\">…</script>")
/// }
/// ```
public struct CSPNonce: RequestDependency, Sendable {
    /// 128 random bits, in base64.
    public let value: String

    public init(request: Request) {
        var generator = SystemRandomNumberGenerator()
        value = Data((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
            .base64EncodedString()
    }
}
