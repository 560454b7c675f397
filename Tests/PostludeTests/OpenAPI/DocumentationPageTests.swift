import Foundation
import HTTPTypes
import PostludeRouting
import Testing

@testable import Postlude
@testable import PostludeManifest

@Suite("The documentation page and the document, as they are served")
struct DocumentationPageTests {
    private func routes() throws -> [String: Handler] {
        var manifest = Manifest()
        manifest.openAPI.title = "<script>alert(1)</script>"
        manifest.openAPI.document = "/openapi.json"
        manifest.openAPI.page = "/docs"
        let routes = try DocumentationRoutes.routes(
            for: manifest, handlers: [:], errors: .fastAPI, guards: Guards())
        return Dictionary(uniqueKeysWithValues: routes.map { ($0.pattern.text, $0.handler) })
    }

    private func response(_ path: String, _ parameters: [(String, String)] = []) async throws -> Response {
        let handler = try #require(try routes()[path])
        return try await handler.function(RequestFixture(uri: path, parameters: parameters).request())
    }

    @Test("No text of the document becomes markup, and the policy allows only this response's scripts")
    func page() async throws {
        let response = try await response("/docs")
        let html = String(decoding: response.body.bytes ?? [], as: UTF8.self)
        #expect(html.ranges(of: "<script").count == 2 && html.ranges(of: "</script>").count == 2)
        #expect(!html.contains("<script>alert") && html.contains("\\u003cscript>alert"))
        #expect(!html.contains("http://") && !html.contains("src="))
        let policy = try #require(response.headers[.contentSecurityPolicy])
        let nonce = try #require(policy.firstMatch(of: /script-src 'nonce-([0-9a-f]{32})'/)?.1)
        #expect(html.ranges(of: "nonce=\"\(nonce)\"").count == 2 && !policy.contains("unsafe"))
        #expect(try await self.response("/docs").headers[.contentSecurityPolicy] != policy)
    }

    @Test("A client that has the document does not get it again")
    func conditions() async throws {
        let first = try await response("/openapi.json")
        #expect(first.status == .ok && first.headers[.cacheControl] == "no-cache")
        let tag = try #require(first.headers[.eTag])
        let second = try await response("/openapi.json", [("HTTP_IF_NONE_MATCH", "\"x\", W/\(tag)")])
        #expect(second.status == .notModified && second.headers[.eTag] == tag)
        let other = try await response("/openapi.json", [("HTTP_IF_NONE_MATCH", "\"x\"")])
        #expect(other.status == .ok)
    }

    @Test(
        "Expressions with another meaning in ECMAScript are not passed on",
        arguments: [
            (#"\d+"#, "[0-9]+"), (#"[\w.]{2,3}"#, "[A-Za-z0-9_.]{2,3}"), ("(?:a|b)(?=c)", "(?:a|b)(?=c)"),
            ("a++", nil), ("(?i)a", nil), ("(?>a)", nil), ("[[:alpha:]]", nil), (#"\p{L}"#, nil),
            (#"a\."#, #"a\."#),
            ("(*UCP)a", nil), ("[", nil),
        ] as [(String, String?)])
    func portable(expression: String, expected: String?) {
        #expect(PortablePattern.text(expression) == expected)
    }
}
