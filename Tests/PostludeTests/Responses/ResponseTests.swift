import Foundation
import HTTPTypes
import Testing

@testable import Postlude

@Suite("Response")
struct ResponseTests {
    private func text(_ response: Response) -> String {
        String(decoding: response.body.bytes ?? [], as: UTF8.self)
    }

    @Test("JSON has sorted keys and plain slashes: equal values make equal bodies")
    func json() throws {
        let response = try Response.json(["b": "/x", "a": "ä\u{2028}"], status: .created)
        #expect(text(response) == "{\"a\":\"ä\u{2028}\",\"b\":\"/x\"}")
        #expect(response.status == .created)
        #expect(response.contentType == "application/json")
    }

    @Test("dates in JSON are ISO 8601")
    func dates() throws {
        let response = try Response.json(["at": Date(timeIntervalSince1970: 1_896_091_200)])
        #expect(text(response) == #"{"at":"2030-01-31T12:00:00Z"}"#)
    }

    @Test("text and HTML are UTF-8 and say so")
    func textual() {
        #expect(Response.text("ä").contentType == "text/plain; charset=utf-8")
        #expect(Response.text("ä").body.bytes == [0xc3, 0xa4])
        #expect(Response.html("<p>").contentType == "text/html; charset=utf-8")
        #expect(Response.html("<p>", status: .notFound).status == .notFound)
    }

    @Test(
        "an error is a detail with a status and its fields",
        arguments: [
            (HTTPError(.notFound), #"{"detail":"Not Found"}"#),
            (HTTPError(.forbidden, "No \"tenant\""), #"{"detail":"No \"tenant\""}"#),
            (HTTPError(.contentTooLarge), #"{"detail":"Content Too Large"}"#),
        ])
    func error(error: HTTPError, body: String) {
        let response = Response.error(error)
        #expect(text(response) == body)
        #expect(response.status == error.status)
        #expect(response.contentType == "application/json")
    }

    @Test("an error keeps its header fields")
    func errorFields() {
        let response = Response.error(HTTPError(.methodNotAllowed, headers: [.allow: "GET, HEAD"]))
        #expect(response.headers[.allow] == "GET, HEAD")
    }
}
