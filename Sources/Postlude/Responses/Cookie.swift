public import FoundationEssentials
internal import HTTPTypes

/// A cookie to be set (RFC 6265bis). Its attributes are safe by default: it is sent over TLS only, hidden from scripts, and not
/// sent with requests of other sites, except when the user follows a link.
///
/// ```swift
/// var response = Response.redirect(to: "/")
/// response.setCookie(try Cookie(name: "__Host-session", value: token, maxAge: .seconds(86_400)))
/// ```
///
/// A name that begins with `__Host-` prevents subdomains and plain HTTP from setting the cookie: use it if you can.
public struct Cookie: Sendable, Hashable {
    /// Whether requests that come from other sites carry a cookie.
    public enum SameSite: String, Sendable, CaseIterable {
        /// Never, not even when the user follows a link.
        case strict = "Strict"
        /// Only when the user follows a link.
        case lax = "Lax"
        /// Always; for pages that other sites embed. Needs `isSecure`.
        case none = "None"
    }

    /// The cookie's name.
    public let name: String
    /// The cookie's value, as it was given.
    public let value: String
    /// The `Set-Cookie` field's value.
    let text: String

    /// - Parameters:
    ///   - name: a token of RFC 9110, 5.6.2.
    ///   - value: visible ASCII without `"`, `,`, `;` and `\`. Encode other text, as Base64 for instance, and decode it
    ///     when it comes back.
    ///   - maxAge: how long the client keeps the cookie, in whole seconds; zero removes it. Without `maxAge` and `expires`, the
    ///     client keeps it until the browser is closed.
    ///   - expires: the time until which the client keeps it; `maxAge` takes precedence.
    ///   - domain: the domain to which the client sends it, including its subdomains; nil for this host only.
    ///   - path: the path below which the client sends it. It does not protect the cookie from pages of other paths.
    ///   - isSecure: whether it is sent over TLS only; to browsers, `http://localhost` is secure.
    ///   - isHTTPOnly: whether it is hidden from scripts.
    ///   - sameSite: whether the client sends it with requests that come from other sites.
    ///   - isPartitioned: whether the client keeps one for each site that embeds this one (CHIPS). Needs `isSecure`.
    /// - Throws: ``CookieError`` if clients would not accept the cookie: the name, the value or an attribute has invalid
    ///   characters, name and value have more than 4,096 bytes, or a requirement of the name's prefix is not met.
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

    /// Whether a byte is a tchar (RFC 9110, 5.6.2).
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }

    /// Whether a byte is a cookie-octet (RFC 6265bis, 4.1.1).
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
        // The bounds are far beyond what the format can express; a date that is not a number is that of 1970.
        let seconds = date.timeIntervalSince1970
        self.init(seconds: seconds.isNaN ? 0 : Int(min(max(seconds, -1e12), 1e12)))
    }
}

extension Response {
    /// Adds a `Set-Cookie` field to those that are there.
    public mutating func setCookie(_ cookie: Cookie) {
        headers.append(HTTPField(name: .setCookie, value: cookie.text))
    }

    /// Has the client remove a cookie.
    ///
    /// - Parameters: those with which it was set: a client distinguishes cookies of one name by domain, path and partition.
    /// - Throws: ``CookieError`` if no cookie can have these.
    public mutating func deleteCookie(
        _ name: String, domain: String? = nil, path: String = "/", isPartitioned: Bool = false
    ) throws(CookieError) {
        setCookie(
            try Cookie(
                name: name, value: "", maxAge: .zero, expires: Date(timeIntervalSince1970: 0), domain: domain,
                path: path, isPartitioned: isPartitioned))
    }
}

/// The error of a cookie that cannot be set: a mistake of the application, or a value that it has not encoded.
public struct CookieError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The cookie's name.
    public let name: String
    let reason: String

    public var description: String { "the cookie \"\(name)\" cannot be set: \(reason)" }
}
