import Foundation
import Testing

@testable import PostludeLogOutput

@Suite("LoggedError")
struct LoggedErrorTests {
    private struct Wordy: Error, CustomStringConvertible {
        let description: String
    }

    @Test("short descriptions are kept, long ones are truncated with their length")
    func length() {
        #expect(LoggedError.text(Wordy(description: "no such item")) == "no such item")
        let long = LoggedError.text(Wordy(description: String(repeating: "ä", count: 10_000)))
        #expect(long.hasPrefix("ää") && long.hasSuffix("… (20000 bytes)") && long.utf8.count < 4200)
    }

    @Test("a value that cannot be encoded is not shown, only its type and path")
    func encoding() throws {
        let error = try #require(throws: EncodingError.self) { try JSONEncoder().encode(["key": Double.nan]) }
        let text = LoggedError.text(error)
        #expect(text.hasPrefix("Double at \"key\" cannot be encoded"))
    }
}
