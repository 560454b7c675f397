public import FoundationEssentials
internal import HTTPTypes

/// A cookie to be set (RFC 6265bis), with attributes that are safe unless told otherwise: sent over TLS only, hidden
/// from scripts, and not sent with requests that other sites make, links excepted.
///
/// ```swift
/// var response = Response.redirect(to: "/")
/// response.setCookie(try Cookie(name: "__Host-session", value: token, maxAge: .seconds(86_400)))
/// ```
///
/// A name that begins with `__Host-` keeps subdomains and plain HTTP from setting the cookie: use it where you can.
public struct Cookie: Sendable, Hashable {
    /// Whether requests that come from other sites carry a cookie.
    public enum SameSite: String, Sendable, CaseIterable {
        /// Not even when the user follows a link.
        case strict = "Strict"
        /// When the user follows a link, and otherwise not.
        case lax = "Lax"
        /// Always; for pages that are embedded elsewhere. Needs `isSecure`.
        case none = "None"
    }

    /// As the client sends it back.
    public let name: String
    /// As it was given.
    public let value: String
    /// The `Set-Cookie` field's value.
    let text: String

    /// - Parameters:
    ///   - name: a token of RFC 9110, 5.6.2.
    ///   - value: visible ASCII without `"`, `,`, `;` and `\`. Encode other text, as Base64 for instance, and decode it
    ///     when it comes back.
    ///   - maxAge: how long the client keeps it, in whole seconds; zero removes it. Without it and `expires`, until the
    ///     browser is closed.
    ///   - expires: until when the client keeps it; `maxAge` goes before it.
    ///   - domain: has the client send it to subdomains of this one as well; nil for this host only.
    ///   - path: has the client send it below this path only. It does not guard it from other paths' pages.
    ///   - isSecure: sent over TLS only; browsers take `http://localhost` for secure.
    ///   - isHTTPOnly: hidden from scripts.
    ///   - sameSite: whether the client sends it with requests that other sites cause.
    ///   - isPartitioned: kept apart for each site that embeds this one (CHIPS). Needs `isSecure`.
    /// - Throws: ``CookieError`` that says what clients would not take: a name, a value or an attribute with characters
    ///   that may not stand there, more than 4,096 bytes, or what the name's prefix demands.
    public init(
        name: String, value: String, maxAge: Duration? = nil, expires: Date? = nil, domain: String? = nil,
        path: String = "/", isSecure: Bool = true, isHTTPOnly: Bool = true, sameSite: SameSite = .lax,
        isPartitioned: Bool = false
    ) throws(CookieError) {
        self.name = name
        self.value = value
        func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws(CookieError) {
            if !condition { throw CookieError(name: name, reason: reason()) }
        }
        try require(
            !name.isEmpty && name.utf8.allSatisfy(Self.isToken),
            "a name has letters, digits and !#$%&'*+-.^_`|~ only")
        try require(
            value.utf8.allSatisfy(Self.isValue),
            "a value has visible ASCII characters only, without quotes, commas, semicolons and backslashes; encode it"
        )
        try require(name.utf8.count + value.utf8.count <= 4096, "name and value have more than 4,096 bytes")
        try require(
            path.hasPrefix("/") && path.utf8.count <= 1024 && path.utf8.allSatisfy(Self.isAttribute),
            "a path begins with a slash, has at most 1,024 bytes, and no semicolons or control characters")
        if let domain {
            try require(
                Self.isDomain(domain), "\"\(domain)\" is not a domain; write another alphabet's in Punycode")
        }
        try require(isSecure || sameSite != .none, "SameSite=None needs Secure")
        try require(isSecure || !isPartitioned, "Partitioned needs Secure")
        // Clients compare the prefixes in any case (RFC 6265bis, 5.7).
        let prefixed = name.lowercased()
        if prefixed.hasPrefix("__secure-") || prefixed.hasPrefix("__host-") || prefixed.hasPrefix("__http-") {
            try require(isSecure, "its prefix needs Secure")
        }
        if prefixed.hasPrefix("__host-") {
            try require(domain == nil && path == "/", "its prefix __Host- needs the path \"/\" and no domain")
        }
        if prefixed.hasPrefix("__http-") || prefixed.hasPrefix("__host-http-") {
            try require(isHTTPOnly, "its prefix needs HttpOnly")
        }
        var text = "\(name)=\(value); Path=\(path)"
        if let domain { text += "; Domain=\(domain)" }
        if let maxAge { text += "; Max-Age=\(maxAge > .zero ? max(1, maxAge.components.seconds) : 0)" }
        if let expires { text += "; Expires=\(HTTPDate(expires))" }
        if isSecure { text += "; Secure" }
        if isHTTPOnly { text += "; HttpOnly" }
        text += "; SameSite=\(sameSite.rawValue)"
        if isPartitioned { text += "; Partitioned" }
        self.text = text
    }

    /// RFC 9110, 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// cookie-octet of RFC 6265bis, 4.1.1.
    private static func isValue(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21, 0x23...0x2b, 0x2d...0x3a, 0x3c...0x5b, 0x5d...0x7e: true
        default: false
        }
    }

    private static func isAttribute(_ byte: UInt8) -> Bool {
        (0x20..<0x7f).contains(byte) && byte != UInt8(ascii: ";")
    }

    private static func isDomain(_ domain: String) -> Bool {
        let labels = domain.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return domain.utf8.count <= 253
            && labels.allSatisfy { label in
                !label.isEmpty
                    && label.allSatisfy { byte in
                        let character = Character(Unicode.Scalar(byte))
                        return byte < 0x80 && (character.isLetter || character.isNumber || character == "-")
                    }
            }
    }
}

extension HTTPDate {
    fileprivate init(_ date: Date) {
        // Far beyond what the form can say; a date that is not a number is long ago.
        let seconds = date.timeIntervalSince1970
        self.init(seconds: seconds.isNaN ? 0 : Int(min(max(seconds, -1e12), 1e12)))
    }
}

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

/// Why a cookie cannot be set: a mistake of the application's, or a value that it has not encoded.
public struct CookieError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The cookie's name.
    public let name: String
    let reason: String

    public var description: String { "the cookie \"\(name)\" cannot be set: \(reason)" }
}
