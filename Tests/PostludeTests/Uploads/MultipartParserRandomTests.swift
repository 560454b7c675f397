import PostludeSystem
import Testing

@testable import Postlude

/// Forms of random bytes that resemble delimiters, compared with the known parts.
@Suite("MultipartParser with random forms")
struct MultipartParserRandomTests {
    /// A part's content, made of bytes that are likely to confuse a search for `\r\n--ab`.
    private static func content(_ generator: inout SeededGenerator) -> [UInt8] {
        let crumbs: [[UInt8]] = [
            [13], [10], [13, 10], [45], [45, 45], [13, 10, 45], [13, 10, 45, 45], [13, 10, 45, 45, 97], [97],
            [98],
            [0], [255], Array("filler".utf8),
        ]
        let bytes = (0..<Int.random(in: 0...12, using: &generator)).flatMap { _ in
            crumbs.randomElement(using: &generator) ?? []
        }
        // Senders choose a boundary that no line of the content begins with (RFC 2046, 5.1.1).
        return contains([13, 10] + bytes, Array("\r\n--ab".utf8)) ? content(&generator) : bytes
    }

    private static func contains(_ bytes: [UInt8], _ needle: [UInt8]) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: needle) }
    }

    @Test("every content is read as it was written, in pieces of any size")
    func contents() throws {
        var generator = SeededGenerator(seed: 7578)
        for round in 0..<2_000 {
            let contents = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                Self.content(&generator)
            }
            var fixture = MultipartFixture(boundary: "ab")
            fixture.pieceSize = Int.random(in: 1...40, using: &generator)
            for content in contents { fixture.add("name=a; filename=f", content) }
            fixture.close()
            let files = try fixture.form().files.map { try $0.file.contents(limit: .max) }
            #expect(files == contents, "round \(round)")
        }
    }

    @Test("any bytes are accepted or refused alike in pieces of any size")
    func noise() {
        var generator = SeededGenerator(seed: 2046)
        let crumbs = [
            "--ab", "--ab--", "\r\n", "\r", "\n", ":", "Content-Disposition: form-data", "; name=a",
            "; name=\"",
            "\"", "\\", "; filename=", "x", " ", "\u{0}", "é", "\r\n\r\n",
        ]
        var refused = 0
        for _ in 0..<3_000 {
            let body = (0..<Int.random(in: 0...25, using: &generator))
                .map { _ in crumbs.randomElement(using: &generator) ?? "" }.joined()
            var fixture = MultipartFixture.raw("--ab\r\nContent-Disposition: form-data; name=a\r\n" + body)
            fixture.boundary = "ab"
            let whole = fixture.refusal()
            refused += whole.isEmpty ? 0 : 1
            fixture.pieceSize = Int.random(in: 1...9, using: &generator)
            #expect(fixture.refusal() == whole, "\(body.debugDescription)")
            #expect(whole.isEmpty || whole.hasPrefix("400 Malformed"), "\(body.debugDescription)")
        }
        #expect((1..<3_000).contains(refused))
    }
}
