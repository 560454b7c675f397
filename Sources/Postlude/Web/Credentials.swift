internal import FoundationEssentials
internal import HTTPTypes

/// The name and the password that a client sends with `Authorization: Basic` (RFC 7617). Without them the answer is 401.
///
/// ```swift
/// struct Administrator: RequestDependency {
///     static var dependencies: [any RequestDependency.Type] { [BasicCredentials.self] }
///
///     init(request: Request) throws {
///         let credentials = try request.dependency(BasicCredentials.self)
///         let password = try request.application(Shop.self).password
///         guard credentials.matches(user: "admin", password: password) else { throw BasicCredentials.unauthorized() }
///     }
/// }
/// ```
///
/// Only use it over HTTPS: the password is not encrypted.
public struct BasicCredentials: RequestDependency, Sendable {
    /// The name, which may be empty.
    public let user: String
    /// The password, which may be empty.
    public let password: String

    /// - Throws: ``unauthorized(realm:)`` if the request has no such field, or a malformed one.
    public init(request: Request) throws {
        guard let encoded = request.credentials(of: "basic"), let data = Data(base64Encoded: encoded),
            let text = String(validating: data, as: UTF8.self),
            let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f })
        else { throw Self.unauthorized() }
        user = String(text[..<colon])
        password = String(text[text.utf8.index(after: colon)...])
    }

    /// Returns whether the name and the password are these, in a time that does not tell how much of them is right.
    public func matches(user: String, password: String) -> Bool {
        let isUser = isEqual(self.user, user)
        let isPassword = isEqual(self.password, password)
        return isUser && isPassword
    }

    /// Returns the error that is answered with 401 and asks the browser for a name and a password.
    ///
    /// - Parameter realm: the name of what is protected. Browsers send the same credentials everywhere in a realm of an origin.
    public static func unauthorized(realm: String = "restricted") -> HTTPError {
        let realm = realm.filter { $0 != "\"" && $0 != "\\" }
        return HTTPError(
            .unauthorized, headers: [.wwwAuthenticate: "Basic realm=\"\(realm)\", charset=\"UTF-8\""])
    }

    public static func describe(_ operation: inout OperationDescription) { operation.security.append(.basic) }
}

/// The token that a client sends with `Authorization: Bearer` (RFC 6750, 2.1). Without it the answer is 401.
///
/// ```swift
/// struct CurrentUser: RequestDependency {
///     static var dependencies: [any RequestDependency.Type] { [BearerToken.self] }
///     let user: User
///
///     init(request: Request) async throws {
///         let token = try request.dependency(BearerToken.self)
///         guard let user = try await request.application(Shop.self).users.find(token.value) else {
///             throw BearerToken.invalid()
///         }
///         self.user = user
///     }
/// }
/// ```
public struct BearerToken: RequestDependency, Sendable {
    /// The token, as it was sent.
    public let value: String

    /// - Throws: an error that is answered with 401 if the request has no such field, or a malformed one.
    public init(request: Request) throws {
        guard let token = request.credentials(of: "bearer") else {
            throw HTTPError(.unauthorized, headers: [.wwwAuthenticate: "Bearer"])
        }
        guard Self.isWellFormed(token) else { throw Self.invalid() }
        value = token
    }

    /// Returns whether the token is this one, in a time that does not tell how much of it is right.
    public func matches(_ token: String) -> Bool { isEqual(value, token) }

    /// Returns the error for a token that is unknown or has expired (RFC 6750, 3.1).
    public static func invalid() -> HTTPError {
        HTTPError(.unauthorized, headers: [.wwwAuthenticate: "Bearer error=\"invalid_token\""])
    }

    public static func describe(_ operation: inout OperationDescription) {
        operation.security.append(.bearer)
    }

    /// Whether it is a `b64token` (RFC 6750, 2.1).
    private static func isWellFormed(_ token: String) -> Bool {
        let value = token.utf8.prefix { $0 != UInt8(ascii: "=") }
        return !value.isEmpty && token.utf8.dropFirst(value.count).allSatisfy { $0 == UInt8(ascii: "=") }
            && value.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-._~+/".utf8.contains(byte)
                }
            }
    }
}

extension Request {
    /// Returns what follows the name of a scheme in `Authorization` (RFC 9110, 11.4); nil if that has another scheme.
    fileprivate func credentials(of scheme: String) -> String? {
        guard let value = headers[.authorization], let space = value.firstIndex(of: " "),
            value[..<space].lowercased() == scheme
        else { return nil }
        let credentials = value[space...].drop { $0 == " " }
        return credentials.isEmpty ? nil : String(credentials)
    }
}

/// Compares two texts in a time that depends on the length of the first one only.
private func isEqual(_ sent: String, _ expected: String) -> Bool {
    let (sent, expected) = (Array(sent.utf8), Array(expected.utf8))
    var difference = sent.count ^ expected.count
    for (index, byte) in sent.enumerated() {
        difference |= Int(byte ^ (expected.isEmpty ? 0xff : expected[index % expected.count]))
    }
    return difference == 0
}
