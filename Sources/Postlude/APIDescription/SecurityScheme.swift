/// A method by which clients authenticate, for the API's description (OpenAPI 3.1, 4.8.27).
///
/// A dependency that requires it declares it:
///
/// ```swift
/// static func describe(_ operation: inout OperationDescription) {
///     operation.security.append(.bearer)
/// }
/// ```
public struct SecurityScheme: Hashable, Sendable {
    /// `Authorization: Bearer …` (RFC 6750).
    public static let bearer = SecurityScheme(name: "bearer", keywords: ["type": "http", "scheme": "bearer"])
    /// `Authorization: Basic …` (RFC 7617).
    public static let basic = SecurityScheme(name: "basic", keywords: ["type": "http", "scheme": "basic"])

    /// Returns the scheme of a secret in a header field, a query parameter or a cookie.
    public static func apiKey(_ location: OperationDescription.Parameter.Location, _ name: String)
        -> SecurityScheme
    {
        SecurityScheme(
            name: "\(location.rawValue)-\(name)",
            keywords: ["type": "apiKey", "in": .string(location.rawValue), "name": .string(name)])
    }

    let name: String
    let keywords: [String: JSONValue]
}
