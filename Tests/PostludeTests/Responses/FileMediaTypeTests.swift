import Testing

@testable import Postlude

@Suite("FileMediaType")
struct FileMediaTypeTests {
    @Test(
        "the extension, in any case, decides about the type",
        arguments: [
            ("a.html", "text/html; charset=utf-8"), ("/srv/a.b/c.PNG", "image/png"),
            ("a.tar.gz", "application/gzip"), ("a.txt", "text/plain; charset=utf-8"),
            ("js/a.mjs", "text/javascript; charset=utf-8"),
        ])
    func known(path: String, type: String) {
        #expect(FileMediaType.of(path) == type)
    }

    @Test(
        "without a known extension the type is bytes",
        arguments: ["", "a", "html", ".html", "a.", "a.unknown", "a.html/b", "a.html~"])
    func unknown(path: String) {
        #expect(FileMediaType.of(path) == "application/octet-stream")
    }
}
