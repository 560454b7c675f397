public import HTTPTypes

extension Response {
    /// The statuses that send a client elsewhere (RFC 9110, 15.4).
    public enum Redirection: Int, Sendable, CaseIterable {
        /// For good; a POST may become a GET.
        case movedPermanently = 301
        /// For now; a POST may become a GET. ``seeOther`` and ``temporaryRedirect`` say which.
        case found = 302
        /// The answer to what was sent is over there, to be had by GET: what follows a form that was posted.
        case seeOther = 303
        /// For now, with the same method and body.
        case temporaryRedirect = 307
        /// For good, with the same method and body.
        case permanentRedirect = 308
    }
}

extension ResponseConvertible where Self == Response {
    /// Sends the client to another address.
    ///
    /// ```swift
    /// func save(form: Form<Settings>) throws -> Response {
    ///     …
    ///     return .redirect(to: "/settings")
    /// }
    /// ```
    ///
    /// Never pass what a client has sent, such as a parameter `next`, without a check: `https://evil.example` and
    /// `//evil.example` lead to another site under the name of yours (an open redirect). Compare it with the addresses
    /// that you know.
    ///
    /// - Parameters:
    ///   - target: a path, or a URI (RFC 3986, 4.1). What may not stand in one is percent-encoded, line breaks,
    ///     backslashes and letters beyond ASCII among it; escapes stay as they are.
    ///   - status: 303 by default, which is right after a POST and after a GET.
    ///   - headers: further header fields.
    public static func redirect(
        to target: String, status: Response.Redirection = .seeOther, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.location] = PercentEncoding.repair(target)
        return Response(status: HTTPResponse.Status(code: status.rawValue), headers: headers)
    }
}
