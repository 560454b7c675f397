import Testing

@testable import Postlude

@Suite("ContentDisposition")
struct ContentDispositionTests {
    @Test(
        "a name is written so that every client reads it",
        arguments: [
            ("Report.pdf", "attachment; filename=\"Report.pdf\""),
            ("Annual report.pdf", "attachment; filename=\"Annual report.pdf\""),
            ("Grüße.txt", "attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt"),
            ("a\"b.txt", "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
            ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
            ("a'b(c)*.txt", "attachment; filename=\"a'b(c)*.txt\""),
            ("../\u{301}x", "attachment; filename=\"_x\"; filename*=UTF-8''%CC%81x"),
            ("a;b.txt", "attachment; filename=\"a;b.txt\""),
        ])
    func names(name: String, field: String) {
        #expect(ContentDisposition.attachment(named: name) == field)
    }

    @Test("no name leads into a folder")
    func folders() {
        #expect(ContentDisposition.attachment(named: "../../etc/passwd") == "attachment; filename=\"passwd\"")
        #expect(ContentDisposition.attachment(named: "C:\\x\\y.exe") == "attachment; filename=\"y.exe\"")
        #expect(ContentDisposition.attachment(named: "/") == "attachment")
        #expect(ContentDisposition.attachment(named: "") == "attachment")
    }

    @Test("no name begins a line, or reverses its letters")
    func controls() {
        #expect(
            ContentDisposition.attachment(named: "a\r\nX-Evil: 1.txt")
                == "attachment; filename=\"aX-Evil: 1.txt\"")
        #expect(
            ContentDisposition.attachment(named: "a\u{202e}txt.exe") == "attachment; filename=\"atxt.exe\"")
    }
}
