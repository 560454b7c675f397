import HTTPTypes
import Testing

@testable import Postlude

@Suite("Problem details")
struct ProblemTests {
    private func text(_ response: Response) -> String {
        String(decoding: response.body.bytes ?? [], as: UTF8.self)
    }

    @Test("a problem is its five members, by default those of the status")
    func members() throws {
        let plain = try Problem(.notFound).response()
        #expect(plain.status == .notFound && plain.contentType == "application/problem+json")
        #expect(
            text(plain)
                == #"{"detail":"Not Found","status":404,"title":"Not Found","type":"about:blank"}"#)
        let whole = try Problem(
            .forbidden, "Your balance is 30", type: "https://shop.example/problems/credit",
            title: "Not enough credit", instance: "/orders/7", members: ["balance": 30],
            headers: [.retryAfter: "5"]
        ).response()
        #expect(whole.headers[.retryAfter] == "5")
        #expect(
            text(whole)
                == #"{"balance":30,"detail":"Your balance is 30","instance":"/orders/7","status":403,"#
                + #""title":"Not enough credit","type":"https://shop.example/problems/credit"}"#)
    }

    @Test("further members replace none of RFC 9457's")
    func reserved() throws {
        let problem = Problem(
            .conflict, members: ["status": 200, "type": "x", "title": 1, "detail": .null, "instance": 2])
        #expect(
            text(try problem.response())
                == #"{"detail":"Conflict","status":409,"title":"Conflict","type":"about:blank"}"#)
    }

    @Test("its description has the media type and the members")
    func description() {
        let description = OperationDescription.ResponseDescription.problem(.conflict, "Sold out")
        #expect(description.status == .conflict && description.description == "Sold out")
        #expect(description.content.map(\.mediaType) == ["application/problem+json"])
        #expect(description.content.first?.schema.keywords["required"] == ["type", "title", "status"])
    }
}
