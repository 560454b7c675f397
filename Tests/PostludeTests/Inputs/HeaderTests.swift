import HTTPTypes
import Testing

@testable import Postlude

@Suite("Header")
struct HeaderTests {
    private func header<Value: Decodable>(
        _ parameters: [(String, String)], as type: Value.Type = Value.self
    ) throws -> Value {
        try Header<Value>(request: RequestFixture(parameters: parameters).request()).value
    }

    private struct Agent: Decodable {
        var userAgent: String
    }

    @Test("a property takes the field of its name, in any spelling")
    func names() throws {
        struct Snake: Decodable { var user_agent: String }
        struct Keyed: Decodable {
            var agent: String
            enum CodingKeys: String, CodingKey { case agent = "User-Agent" }
        }
        let parameters = [("HTTP_USER_AGENT", "curl/8"), ("HTTP_USER_AGENTS", "no")]
        #expect(try header(parameters, as: Agent.self).userAgent == "curl/8")
        #expect(try header(parameters, as: Snake.self).user_agent == "curl/8")
        #expect(try header(parameters, as: Keyed.self).agent == "curl/8")
    }

    @Test("acronyms keep their capitals")
    func acronyms() throws {
        struct ID: Decodable { var xRequestID: String }
        #expect(try header([("HTTP_X_REQUEST_ID", "a1")], as: ID.self).xRequestID == "a1")
    }

    @Test("a missing or wrong field is reported under `header`")
    func issues() {
        struct Limit: Decodable { var xLimit: Int }
        let missing = PostludeTests.issues { _ = try header([("HTTP_HOST", "a")], as: Agent.self) }
        #expect(missing == ["header.user-agent: Field required (missing)"])
        let wrong = PostludeTests.issues { _ = try header([("HTTP_X_LIMIT", "a")], as: Limit.self) }
        #expect(
            wrong == [
                "header.x-limit: Input should be a valid integer, unable to parse string as an integer"
                    + " (int_parsing)"
            ])
    }

    @Test("a repeated field is joined with commas for text, and is a list for an array")
    func repeated() throws {
        struct Text: Decodable { var accept: String }
        struct List: Decodable { var accept: [String] }
        let parameters = [("HTTP_ACCEPT", "a/b"), ("HTTP_ACCEPT", "c/d")]
        #expect(try header(parameters, as: List.self).accept == ["a/b", "c/d"])
        #expect(try header(parameters, as: Text.self).accept == "a/b, c/d")
    }

    @Test("parameters that are not header fields are omitted")
    func others() {
        struct Address: Decodable { var remoteAddr: String }
        let missing = PostludeTests.issues {
            _ = try header([("REMOTE_ADDR", "::1")], as: Address.self)
        }
        #expect(missing == ["header.remote-addr: Field required (missing)"])
    }

    @Test(
        "a missing field has the name that HTTP would use",
        arguments: [
            ("userAgent", "user-agent"), ("user_agent", "user-agent"), ("User-Agent", "user-agent"),
            ("xRequestID", "x-request-id"), ("HTTPVersion", "http-version"),
            ("sha256Digest", "sha256-digest"),
            ("accept", "accept"), ("ETag", "e-tag"), ("", ""),
        ])
    func dashed(key: String, name: String) {
        #expect(FieldName.dashed(key) == name)
    }

    @Test("a wrong element is reported with the field's own name, whatever the key")
    func element() {
        struct Lengths: Decodable { var etags: [Int] }
        let wrong = PostludeTests.issues {
            _ = try header([("HTTP_E_TAGS", "1"), ("HTTP_E_TAGS", "x")], as: Lengths.self)
        }
        #expect(
            wrong == [
                "header.e-tags.[1]: Input should be a valid integer, unable to parse string as an integer"
                    + " (int_parsing)"
            ])
    }
}
