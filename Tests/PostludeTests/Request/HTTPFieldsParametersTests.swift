import HTTPTypes
import Testing

@testable import Postlude

@Suite("HTTPFields of FastCGI parameters")
struct HTTPFieldsParametersTests {
    private func fields(_ parameters: [(name: String, value: String)]) -> [String] {
        HTTPFields(parameters: parameters).map { "\($0.name.canonicalName): \($0.value)" }
    }

    @Test("HTTP_ parameters are fields, others are not")
    func names() {
        #expect(
            fields([
                ("HTTP_USER_AGENT", "curl"), ("HTTP_X_A_B", "1"), ("REMOTE_ADDR", "::1"), ("HTTPS", "on"),
                ("SERVER_PROTOCOL", "HTTP/1.1"), ("HTTP_", "x"), ("http_lower", "x"),
            ]) == ["user-agent: curl", "x-a-b: 1"])
    }

    @Test("the content's type and length are fields, unless they are empty")
    func content() {
        #expect(
            fields([("CONTENT_TYPE", "text/plain"), ("CONTENT_LENGTH", "3")]) == [
                "content-type: text/plain", "content-length: 3",
            ])
        #expect(fields([("CONTENT_TYPE", ""), ("CONTENT_LENGTH", "")]) == [])
    }

    @Test("nginx sends the content's fields twice; the result has them once")
    func twice() {
        #expect(
            fields([
                ("CONTENT_TYPE", "text/plain"), ("CONTENT_LENGTH", "3"), ("HTTP_CONTENT_TYPE", "text/plain"),
                ("HTTP_CONTENT_LENGTH", "3"),
            ]) == ["content-type: text/plain", "content-length: 3"])
    }

    @Test("repeated fields keep their order, and are read as one")
    func repeated() {
        let fields = HTTPFields(parameters: [
            (name: "HTTP_ACCEPT", value: "a"), (name: "HTTP_ACCEPT", value: "b"),
        ])
        #expect(fields[values: .accept] == ["a", "b"])
        #expect(fields[.accept] == "a, b")
    }

    @Test("an invalid field name is omitted")
    func invalid() {
        #expect(
            fields([("HTTP_A B", "1"), ("HTTP_A:", "1"), ("HTTP_\u{e4}", "1"), ("HTTP_OK", "1")]) == ["ok: 1"]
        )
    }
}
