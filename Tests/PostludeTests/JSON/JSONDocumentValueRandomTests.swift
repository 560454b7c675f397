import Foundation
import PostludeJSON
import Testing

@testable import Postlude

/// Compares with Foundation on generated documents. Each has a seed, so that a failure can be repeated.
@Suite("JSONDocument's values, compared with Foundation")
struct JSONDocumentValueRandomTests {
    /// Foundation's reading of a text: ``JSONValue`` asks its decoder for each value's kind.
    private func foundation(_ bytes: [UInt8]) -> JSONValue? {
        try? JSONDecoder().decode(JSONValue.self, from: Data(bytes))
    }

    /// Foundation makes integers of `1.0` and `1e2`, and rounds large ones with a fraction differently.
    private func isSame(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (.integer(let left)?, .number(let right)?), (.number(let right)?, .integer(let left)?):
            abs(Double(left) - right) <= abs(right) * 1e-12
        case (.array(let left)?, .array(let right)?):
            left.count == right.count && zip(left, right).allSatisfy { isSame($0, $1) }
        case (.object(let left)?, .object(let right)?):
            left.count == right.count && left.allSatisfy { isSame($1, right[$0]) }
        case (.number(let left)?, .number(let right)?): abs(left - right) <= abs(right) * 1e-12
        default: left == right
        }
    }

    @Test("valid documents have the values that Foundation reads", arguments: 1...8)
    func valid(seed: UInt64) {
        // Of members with one key Foundation keeps the first.
        var documents = JSONDocuments(seed: seed, hasRepeatedKeys: false)
        for _ in 0..<400 {
            let document = documents.document()
            let value = JSONDocument.value(of: document)
            guard value != nil, isSame(value, foundation(document)) else {
                Issue.record(
                    "\(String(decoding: document, as: UTF8.self)) \(value as Any) \(foundation(document) as Any)"
                )
                return
            }
        }
    }

    @Test("broken documents are refused, or read, as by Foundation", arguments: 1...8)
    func broken(seed: UInt64) {
        // Foundation does not check a value whose key came before.
        var documents = JSONDocuments(seed: seed << 32, hasRepeatedKeys: false)
        var refused = 0
        for _ in 0..<1500 {
            let document = documents.broken(documents.document())
            let value = JSONDocument.value(of: document)
            if value == nil { refused += 1 }
            guard isExempt(document) || isSame(value, foundation(document)) else {
                Issue.record(
                    "\(String(decoding: document, as: UTF8.self)) \(value as Any) \(foundation(document) as Any)"
                )
                return
            }
        }
        #expect((300...1400).contains(refused))
    }

    /// If Foundation deviates from RFC 8259: it accepts a comma after the last element, and UTF-16.
    private func isExempt(_ document: [UInt8]) -> Bool {
        document.contains(0)
            || String(decoding: document, as: UTF8.self).firstMatch(of: /,\s*[\]}]/) != nil
    }
}
