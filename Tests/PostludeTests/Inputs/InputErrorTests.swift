import Foundation
import HTTPTypes
import Testing

@testable import Postlude

@Suite("InputError")
struct InputErrorTests {
    @Test("is encoded as FastAPI writes it")
    func json() throws {
        let error = InputError([
            InputIssue(location: ["query", "email"], message: "Field required", type: "missing"),
            InputIssue(
                location: ["body", .key("tags"), .index(1)], message: "Input should be a valid string",
                type: "string_type"),
        ])
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(
            String(decoding: try encoder.encode(error), as: UTF8.self)
                == #"{"detail":[{"loc":["query","email"],"msg":"Field required","type":"missing"},"#
                + #"{"loc":["body","tags",1],"msg":"Input should be a valid string","type":"string_type"}]}"#)
    }

    @Test("is a problem with `errors` that point at the values, if the application asks for that")
    func problem() throws {
        let error = InputError([
            InputIssue(location: ["query", "email"], message: "Field required", type: "missing"),
            InputIssue(
                location: ["body", .key("a/b~c d\u{e9}"), .index(1)],
                message: "Input should be a valid string",
                type: "string_type", context: ["ge": 1]),
        ])
        let response = ErrorAnswers(format: .problemDetails, instance: "/a").response(to: error)
        #expect(response.status == .unprocessableContent)
        #expect(
            String(decoding: response.body.bytes ?? [], as: UTF8.self)
                == #"{"detail":"2 values of the request are missing or wrong","errors":["#
                + ##"{"detail":"Field required","in":"query","pointer":"#/email","rule":"missing"},"##
                + #"{"context":{"ge":1},"detail":"Input should be a valid string","in":"body","#
                + ##""pointer":"#/a~1b~0c%20d%C3%A9/1","rule":"string_type"}],"instance":"/a","##
                + #""status":422,"title":"\#(HTTPResponse.Status.unprocessableContent.reasonPhrase)","type":"about:blank"}"#
        )
    }

    @Test("malformed JSON has a place in the text, and no pointer to a member")
    func malformedJSON() throws {
        let error = try #require(throws: InputError.self) {
            try JSONBody<[Int]>(request: RequestFixture.post("[1,]").request())
        }
        let response = ErrorAnswers(format: .problemDetails).response(to: error)
        let text = String(decoding: response.body.bytes ?? [], as: UTF8.self)
        #expect(text.contains(##""in":"body","pointer":"#","rule":"json_invalid""##))
        #expect(text.contains(#""line":1"#) && text.contains("One value of the request is missing or wrong"))
    }

    @Test("a client's own key does not make a response many times as long as its body")
    func longKeys() throws {
        struct Lists: InputFields {
            @Field var byName: [String: [Int]]
        }
        let key = String(repeating: "k", count: 100_000)
        let wrong = (0..<100).map { _ in "true" }.joined(separator: ",")
        let request = try RequestFixture.post("{\"byName\": {\"\(key)\": [\(wrong)]}}").request()
        let error = try #require(throws: InputError.self) { try JSONBody<Lists>(request: request) }
        #expect(error.issues.count == 100)
        #expect(error.issues.first?.location == ["body", "byName", .key(key), .index(0)])
        #expect(try JSONEncoder().encode(error).count < 100_000)
    }
}
