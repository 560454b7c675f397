internal import FoundationEssentials
internal import HTTPTypes

extension Response {
    /// Adds a `Set-Cookie` field, beside those that are there.
    public mutating func setCookie(_ cookie: Cookie) {
        headers.append(HTTPField(name: .setCookie, value: cookie.text))
    }

    /// Has the client remove a cookie.
    ///
    /// - Parameters: as the cookie was set: a client keeps cookies of one name apart by domain, path and partition.
    /// - Throws: ``CookieError`` when no cookie can have these.
    public mutating func deleteCookie(
        _ name: String, domain: String? = nil, path: String = "/", isPartitioned: Bool = false
    ) throws(CookieError) {
        setCookie(
            try Cookie(
                name: name, value: "", maxAge: .zero, expires: Date(timeIntervalSince1970: 0), domain: domain,
                path: path, isPartitioned: isPartitioned))
    }
}
