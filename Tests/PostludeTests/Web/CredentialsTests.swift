import Foundation
import HTTPTypes
import Testing

@testable import Postlude

@Suite("Credentials of a request")
struct CredentialsTests {
    private func response(_ authorization: String?, _ handler: Handler) async throws -> Response {
        try await answer(
            to: pageRequest("GET", authorization.map { [("HTTP_AUTHORIZATION", $0)] } ?? []), by: handler)
    }

    private let basic = Handler("page") { (credentials: Dependency<BasicCredentials>) -> Response in
        .text("\(credentials.user)|\(credentials.password)")
    }
    private let bearer = Handler("page") { (token: Dependency<BearerToken>) -> Response in
        .text(token.value.value)
    }

    private func encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    @Test(
        "a name and a password are read as RFC 7617 has them",
        arguments: [
            ("Basic", "Aladdin:open sesame", "Aladdin|open sesame"), ("basic ", "a:b:c", "a|b:c"),
            ("BASIC", ":", "|"), ("Basic", "test:123£", "test|123£"),
        ])
    func basic(scheme: String, text: String, expected: String) async throws {
        let response = try await response("\(scheme) \(encoded(text))", basic)
        #expect(response.status == .ok)
        #expect(String(decoding: response.body.bytes ?? [], as: UTF8.self) == expected)
    }

    @Test(
        "without them, or if they are malformed, the answer is 401 and asks for them",
        arguments: [
            nil, "Basic", "Basic ", "Basic !", "Bearer YTpi",
            "Basic " + Data("name".utf8).base64EncodedString(),
            "Basic " + Data([0xff, 0x3a]).base64EncodedString(),
            "Basic " + Data("a\n:b".utf8).base64EncodedString(),
        ])
    func noBasic(authorization: String?) async throws {
        let response = try await response(authorization, basic)
        #expect(response.status == .unauthorized)
        #expect(response.headers[.wwwAuthenticate] == "Basic realm=\"restricted\", charset=\"UTF-8\"")
    }

    @Test("a realm cannot end its quotation marks")
    func realm() {
        let headers = BasicCredentials.unauthorized(realm: "a\"b\\c").headers
        #expect(headers[.wwwAuthenticate] == "Basic realm=\"abc\", charset=\"UTF-8\"")
    }

    @Test("credentials equal others only as a whole")
    func equality() async throws {
        let handler = Handler("page") { (credentials: Dependency<BasicCredentials>) -> [Bool] in
            [("ada", "pass"), ("ada", "pas"), ("ad", "pass"), ("ada", "passs"), ("", ""), ("ada", "")].map {
                credentials.value.matches(user: $0.0, password: $0.1)
            }
        }
        let response = try await response("Basic " + encoded("ada:pass"), handler)
        #expect(
            String(decoding: response.body.bytes ?? [], as: UTF8.self)
                == "[true,false,false,false,false,false]")
    }

    @Test("a token is read as RFC 6750 has it", arguments: ["abc", "a-._~+/9==", "Z"])
    func bearer(token: String) async throws {
        let response = try await response("Bearer \(token)", bearer)
        #expect(response.status == .ok)
        #expect(String(decoding: response.body.bytes ?? [], as: UTF8.self) == token)
    }

    @Test(
        "without a token, or if it is malformed, the answer is 401 and says so",
        arguments: [
            (nil, "Bearer"), ("Basic YTpi", "Bearer"), ("Bearer", "Bearer"),
            ("Bearer a b", "Bearer error=\"invalid_token\""), ("Bearer =", "Bearer error=\"invalid_token\""),
            ("Bearer a=b", "Bearer error=\"invalid_token\""),
        ])
    func noBearer(authorization: String?, challenge: String) async throws {
        let response = try await response(authorization, bearer)
        #expect(response.status == .unauthorized && response.headers[.wwwAuthenticate] == challenge)
    }

    @Test("the description of the API has the schemes")
    func description() {
        var operation = OperationDescription()
        BasicCredentials.describe(&operation)
        BearerToken.describe(&operation)
        #expect(operation.security == [.basic, .bearer])
    }
}
