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
}
