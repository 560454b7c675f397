import Foundation
import Testing

@testable import Postlude

@Suite("Values that are stored")
struct StoredValuesTests {
    @Test("JSON of any shape is read, and written as it was")
    func anyShape() throws {
        let value: JSONValue = [
            "text": "ü \"quoted\"\n\u{1}", "none": .null, "flags": [true, false], "number": -7,
            "large": .integer(.max), "fraction": 0.1, "tiny": .number(.leastNonzeroMagnitude),
            "huge": .number(1e300),
            "nested": ["empty": [:], "list": [[], [1, [2]]]],
        ]
        let data = try StoredValues.encode(value)
        #expect(try StoredValues.json(from: data) == value)
        #expect(try JSONDecoder().decode(JSONValue.self, from: data) == value)
        #expect(throws: EncodingError.self) { try StoredValues.encode(JSONValue.number(.infinity)) }
        #expect(throws: DecodingError.self) { try StoredValues.json(from: Data("{".utf8)) }
        #expect(throws: DecodingError.self) { try StoredValues.json(from: Data("1e999".utf8)) }
    }
}
