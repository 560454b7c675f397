import HTTPTypes
import Testing

@testable import Postlude

/// Through ``MultipartForm``, which collects the parts.
@Suite("MultipartParser")
struct MultipartParserTests {
    private let malformed = "400 Malformed multipart/form-data: "

    private static let sample = MultipartFixture.raw(
        "preamble\r\n--edg\r\n--edge \t\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n"
            + "A \r\n--edg\r\n-- title\r\n--edge\r\ncontent-type: text/plain; charset=utf-8\r\n"
            + "CONTENT-DISPOSITION:form-data;name=file;filename=\"a.txt\"\r\nX-Other: 1\r\n\r\n"
            + "\r\n\r--edge\r\n--edg\u{0}e\r\r\n--edge--  \r\nepilogue\r\n--edge\r\n")

    private static let parts = [
        "title=A \r\n--edg\r\n-- title",
        "file<a.txt,text/plain; charset=utf-8>=\r\n\r--edge\r\n--edg\u{0}e\r",
    ]

    @Test("a form is the same in pieces of every size")
    func pieces() throws {
        for size in 1...Self.sample.body.count {
            var fixture = Self.sample
            fixture.pieceSize = size
            #expect(try fixture.summary() == Self.parts, "pieces of \(size) bytes")
        }
    }

    @Test("a form that is cut anywhere before its closing boundary is malformed")
    func cut() {
        let end = Self.sample.body.count - "  \r\nepilogue\r\n--edge\r\n".utf8.count
        for count in 0..<end {
            var fixture = Self.sample
            fixture.body = Array(fixture.body.prefix(count))
            #expect(fixture.refusal() == malformed + "it ends before the closing boundary", "\(count) bytes")
        }
        var fixture = Self.sample
        fixture.body = Array(fixture.body.prefix(end))
        #expect(fixture.refusal() == "")
    }

    @Test("a part may be empty, with or without a line break of its delimiter's own")
    func emptyParts() throws {
        let head = "Content-Disposition: form-data; name=a"
        let body =
            "--edge\r\n\(head)\r\n\r\n\r\n--edge\r\n\(head)\r\n\r\n--edge\r\n\(head)\r\n\r\n--edg\r\n--edge--"
        for size in 1...body.utf8.count {
            var fixture = MultipartFixture.raw(body)
            fixture.pieceSize = size
            #expect(try fixture.summary() == ["a=", "a=", "a=--edg"])
        }
    }

    @Test("a form without parts is valid")
    func noParts() throws {
        #expect(try MultipartFixture.raw("--edge--").summary().isEmpty)
        #expect(try MultipartFixture.raw("\r\n--edge--\r\n").summary().isEmpty)
    }

    @Test(
        "other text is malformed",
        arguments: [
            ("", "it ends before the closing boundary"),
            ("hello", "it ends before the closing boundary"),
            ("x--edge--", "it ends before the closing boundary"),
            ("--edgeling\r\n\r\n--edge--", "a line begins with the boundary and continues"),
            ("--edge\n\n", "a line begins with the boundary and continues"),
            ("--edge\rX", "a line begins with the boundary and continues"),
            ("--edge -- \r\n", "a line begins with the boundary and continues"),
            ("--edge-\r\n\r\n", "a line begins with the boundary and continues"),
            ("--edge\r\n\r\ndata\r\n--edge--", "a part has no name in a Content-Disposition"),
            ("--edge\r\n--edge--\r\n\r\n", "a line of a part's header is not a field"),
        ])
    func shapes(body: String, reason: String) {
        #expect(MultipartFixture.raw(body).refusal() == malformed + reason)
    }

    @Test("a part's header is bounded, complete or not")
    func giantHead() {
        let limit = 8 << 10
        let start = "Content-Disposition: form-data; name=a\r\nX: "
        for (count, isDelivered) in [(0, true), (-2, true), (-1, false), (1_000_000, false)] {
            // The limit includes the line break before the header.
            let value = String(
                repeating: "x", count: count > 0 ? count : max(0, limit + count - start.utf8.count))
            let refusal = MultipartFixture.raw("--edge\r\n\(start)\(value)\r\n\r\n\r\n--edge--").refusal()
            #expect(
                refusal
                    == (isDelivered && count != 0
                        ? "" : malformed + "a part's header is larger than 8192 bytes"))
        }
        var endless = MultipartFixture.raw("--edge\r\nX: " + String(repeating: "x", count: 20_000))
        endless.pieceSize = 1_000
        #expect(endless.refusal() == malformed + "a part's header is larger than 8192 bytes")
    }

    @Test("the number of files is bounded, since each one has a descriptor")
    func tinyFiles() throws {
        var fixture = MultipartFixture()
        for index in 0..<100 { fixture.add("name=n; filename=f", "\(index)") }
        // An empty file field does not count as a file.
        fixture.add("name=n; filename=\"\"", "")
        var more = fixture
        fixture.close()
        #expect(try fixture.form().files.count == 100)
        more.add("name=n; filename=f", "one")
        more.close()
        #expect(more.refusal() == "413 The form has more than 100 files")
    }

    @Test("the number of parts is bounded")
    func tinyParts() throws {
        var fixture = MultipartFixture()
        for index in 0..<1_000 { fixture.add("name=n", "\(index)") }
        var more = fixture
        fixture.close()
        #expect(try fixture.form().texts.count == 1_000)
        for index in 0..<9_000 { more.add("name=n", "\(index)") }
        more.close()
        #expect(more.refusal() == "413 The form has more than 1000 parts")
    }

    @Test("the text fields are bounded together; a file is not")
    func textLimit() throws {
        let half = String(repeating: "x", count: 512 << 10)
        let file = (head: "name=f; filename=f", content: half + half + half)
        #expect(MultipartFixture.form(("name=a", half), ("name=b", half), file).refusal() == "")
        #expect(
            MultipartFixture.form(("name=a", half), file, ("name=b", half + "x")).refusal()
                == "413 The form's text fields are too large")
    }

    @Test("an error of the body's source is passed on")
    func sourceFails() throws {
        let request = try RequestFixture(
            method: "POST", parameters: [("CONTENT_TYPE", "multipart/form-data; boundary=b")]
        ).request()
        let storage = request.storage
        let broken = Request(
            RequestStorage(
                method: .post, path: storage.path, route: "", parameters: storage.parameters,
                head: storage.head, body: BodySource { _ in throw HTTPError(.requestTimeout) },
                tasks: storage.tasks))
        let error = #expect(throws: HTTPError.self) { try MultipartForm(request: broken) }
        #expect(error?.status == .requestTimeout)
    }
}
