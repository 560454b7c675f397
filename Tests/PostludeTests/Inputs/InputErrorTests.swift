import Foundation
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
