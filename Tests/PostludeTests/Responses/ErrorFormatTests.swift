import HTTPTypes
import Testing

@testable import Postlude

@Suite("Formats of errors")
struct ErrorFormatTests {
    private func text(_ response: Response) -> String {
        String(decoding: response.body.bytes ?? [], as: UTF8.self)
    }

    @Test("an error is in FastAPI's format unless the application asks for problem details")
    func formats() throws {
        let head = try RequestFixture.get("/a%20b?c=d").head()
        let error = HTTPError(.gone, "Sold out", headers: [.allow: "GET"])
        let usual = ErrorAnswers(.fastAPI, to: head).response(to: error)
        #expect(usual.contentType == "application/json" && text(usual) == #"{"detail":"Sold out"}"#)
        let problem = ErrorAnswers(.problemDetails, to: head).response(to: error)
        #expect(problem.contentType == "application/problem+json" && problem.status == .gone)
        #expect(problem.headers[.allow] == "GET")
        #expect(
            text(problem)
                == #"{"detail":"Sold out","instance":"/a%20b","status":410,"title":"Gone","type":"about:blank"}"#
        )
    }

    @Test("an internal error shows the request's id alone")
    func internalError() {
        let response = ErrorAnswers(format: .problemDetails, instance: "/a")
            .internalServerError(requestID: "4711")
        #expect(
            text(response)
                == #"{"detail":"Internal Server Error","instance":"/a","request_id":"4711","status":500,"#
                + #""title":"Internal Server Error","type":"about:blank"}"#)
    }

    @Test("a problem keeps its own instance")
    func instance() {
        let answers = ErrorAnswers(format: .problemDetails, instance: "/a")
        #expect(text(answers.response(to: Problem(.gone, instance: "/b"))).contains(#""instance":"/b""#))
    }
}
