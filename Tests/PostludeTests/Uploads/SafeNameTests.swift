import Testing

@testable import Postlude

@Suite("UploadedFile.safeName")
struct SafeNameTests {
    @Test(
        "a name is one path component",
        arguments: [
            ("report.pdf", "report.pdf"), ("../../etc/passwd", "passwd"), ("/etc/passwd", "passwd"),
            (#"C:\Temp\new.txt"#, "new.txt"), ("a/b\\c", "c"), ("folder/", "folder"),
            ("日本語 é.txt", "日本語 é.txt"),
            ("a\r\nb\u{0}\u{7f}\u{85}c\u{2028}.txt", "abc.txt"), ("exe\u{202e}gnp.exe", "exegnp.exe"),
            ("  spaced .txt ", "spaced .txt"), (".hidden", ".hidden"), ("...", "..."),
            ("", "upload"), (".", "upload"), ("..", "upload"), ("/", "upload"), ("..\\..", "upload"),
            ("../\u{301}evil", "\u{301}evil"), ("a/\u{200d}b", "\u{200d}b"), ("..\\\u{301}x", "\u{301}x"),
            (" \t ", "upload"), (".\u{0}.", "upload"), (". ", "upload"),
        ])
    func component(filename: String, expected: String) {
        #expect(UploadedFile.safeName(for: filename) == expected)
    }

    @Test("a name fits a file system, and keeps its extension")
    func length() {
        let long = UploadedFile.safeName(for: String(repeating: "é", count: 300) + ".jpeg")
        #expect(long.utf8.count == 255)
        #expect(long.hasSuffix("é.jpeg"))
        #expect(UploadedFile.safeName(for: String(repeating: "x", count: 300)).utf8.count == 255)
        let dotted = UploadedFile.safeName(for: "x." + String(repeating: "y", count: 300))
        #expect(dotted.utf8.count == 255)
        // One letter to the reader, whatever its number of bytes.
        let marks = "a" + String(repeating: "\u{301}", count: 400)
        #expect(!UploadedFile.safeName(for: marks).isEmpty)
        #expect(UploadedFile.safeName(for: marks).utf8.count <= 255)
    }
}
