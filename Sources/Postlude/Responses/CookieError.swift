/// Why a cookie cannot be set: a mistake of the application's, or a value that it has not encoded.
public struct CookieError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The cookie's name.
    public let name: String
    let reason: String

    public var description: String { "the cookie \"\(name)\" cannot be set: \(reason)" }
}
