import Foundation
import HTTPTypes
import Testing

@testable import Postlude

@Suite("Header fields that protect pages")
struct SecurityHeadersTests {
    private func headers(_ middleware: SecurityHeaders, _ headers: HTTPFields = [:]) async throws
        -> HTTPFields
    {
        try await answer(
            to: pageRequest(), through: middleware,
            by: Handler("page") { () -> Response in Response(status: .ok, headers: headers) }
        ).headers
    }

    private func value(_ name: String, _ headers: HTTPFields) throws -> String? {
        headers[try #require(HTTPField.Name(name))]
    }

    @Test("answers get the fields that are safe for every application, and no others")
    func standard() async throws {
        let headers = try await headers(SecurityHeaders())
        #expect(headers[.xContentTypeOptions] == "nosniff")
        #expect(try value("X-Frame-Options", headers) == "DENY")
        #expect(try value("Referrer-Policy", headers) == "strict-origin-when-cross-origin")
        #expect(headers[.contentSecurityPolicy] == nil && headers[.strictTransportSecurity] == nil)
    }

    @Test("fields of the answer itself stay, and others are sent if they are asked for")
    func own() async throws {
        let middleware = SecurityHeaders(
            contentSecurityPolicy: "default-src 'self'", transportSecurity: .seconds(3600), frames: nil,
            referrer: nil)
        let plain = try await headers(middleware)
        #expect(plain[.contentSecurityPolicy] == "default-src 'self'")
        #expect(plain[.strictTransportSecurity] == "max-age=3600")
        #expect(try value("X-Frame-Options", plain) == nil && value("Referrer-Policy", plain) == nil)
        let own = try await headers(middleware, [.contentSecurityPolicy: "default-src 'none'"])
        #expect(own[values: .contentSecurityPolicy] == ["default-src 'none'"])
    }

    @Test("the policy has the nonce of the page, which is another one for each response")
    func nonce() async throws {
        let middleware = SecurityHeaders(contentSecurityPolicy: "script-src 'nonce-{nonce}'")
        let handler = Handler("page") { (nonce: Dependency<CSPNonce>) -> Response in
            .text(nonce.value.value)
        }
        var nonces: Set<String> = []
        for _ in 0..<3 {
            let response = try await answer(to: pageRequest(), through: middleware, by: handler)
            let nonce = String(decoding: response.body.bytes ?? [], as: UTF8.self)
            #expect(response.headers[.contentSecurityPolicy] == "script-src 'nonce-\(nonce)'")
            #expect(Data(base64Encoded: nonce)?.count == 16)
            nonces.insert(nonce)
        }
        #expect(nonces.count == 3)
    }
}
