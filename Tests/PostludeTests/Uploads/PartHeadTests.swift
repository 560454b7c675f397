import Testing

@testable import Postlude

@Suite("PartHead")
struct PartHeadTests {
    private func head(_ lines: String) throws -> PartHead { try PartHead(Array(lines.utf8)[...]) }

    private func refusal(_ lines: String) -> String? {
        do {
            _ = try head(lines)
            return nil
        } catch let error as HTTPError {
            return error.detail.replacing("Malformed multipart/form-data: ", with: "")
        } catch {
            return "\(error)"
        }
    }

    @Test(
        "names and file names are parsed in the forms that clients send",
        arguments: [
            (#"name="a"; filename="b.txt""#, "a", "b.txt"),
            (#"name=a;filename=b.txt"#, "a", "b.txt"),
            (#"name = "a" ; filename = "b.txt" ; "#, "a", "b.txt"),
            (#"filename="b.txt"; name="a""#, "a", "b.txt"),
            (#"NAME="a"; FileName="b.txt""#, "a", "b.txt"),
            (#"name="a;b=c"; filename="x; name=z""#, "a;b=c", "x; name=z"),
            (#"name="é𝄞"; filename="日本語.txt""#, "é𝄞", "日本語.txt"),
            (#"name="a%22b"; filename="c%22d%20%0A""#, "a\"b", "c\"d%20%0A"),
            (#"name="a\"b"; filename="c\\d.txt""#, "a\"b", #"c\d.txt"#),
            (#"name="a"; filename="C:\Temp\new.txt""#, "a", #"C:\Temp\new.txt"#),
            (#"name=""; filename=" ""#, "", " "),
            (#"name="a"; filename="b"; filename*=UTF-8''c"#, "a", "c"),
            (#"name="a"; filename*=utf-8'en'%e2%82%ac%20rates"#, "a", "€ rates"),
            (#"name="a"; filename*=ISO-8859-1''%e4"#, "a", "ä"),
            (#"name="a"; filename="b"; filename*=UTF-16''%e4"#, "a", "b"),
            (#"name="a"; filename="b"; filename*=UTF-8''%e4"#, "a", "b"),
            (#"name="a"; filename="b"; filename*=UTF-8''%00"#, "a", "b"),
            (#"name="a"; filename="b"; filename*=c"#, "a", "b"),
            (#"name*=UTF-8''%c3%a4; filename="b""#, "ä", "b"),
            (#"name="a"; name*=UTF-8''c; filename="b""#, "a", "b"),
        ])
    func names(parameters: String, name: String, filename: String) throws {
        let head = try head("Content-Disposition: form-data; " + parameters)
        #expect(head.name == name)
        #expect(head.filename == filename)
        #expect(head.isFile)
    }

    @Test("a part is a file if it has a file name, or bytes of no known type")
    func files() throws {
        let name = "Content-Disposition: form-data; name=a"
        #expect(try !head(name).isFile)
        #expect(try head(name + "; filename*=UTF-8''c").isFile)
        #expect(try head(name + "\r\nContent-Type: application/octet-stream; charset=binary").isFile)
        #expect(try !head(name + "\r\nContent-Type: application/json").isFile)
        #expect(try head(name + "\r\nContent-Type:\tapplication/Octet-Stream ").isFile)
        #expect(try head(name + "; filename=\"\"").filename == "")
        #expect(try head(name + "\r\nContent-Type: image/png; q=1 ").contentType == "image/png; q=1")
    }

    @Test("a file name that is not UTF-8 is repaired, a name is refused")
    func encoding() throws {
        let start = Array("Content-Disposition: form-data; name=a".utf8)
        let file = try PartHead((start + Array("; filename=\"b".utf8) + [0xe9, 0x22])[...])
        #expect(file.filename == "b\u{fffd}")
        #expect(throws: HTTPError.self) { try PartHead((start + [0xe9])[...]) }
        #expect(throws: HTTPError.self) { try PartHead((start + Array("%22".utf8) + [0xe9])[...]) }
    }

    @Test(
        "an ambiguous or unreadable header is refused",
        arguments: [
            ("", "a part has no name in a Content-Disposition"),
            ("Content-Disposition: form-data; name*=c", "a part's name* does not conform to RFC 8187"),
            (
                "Content-Disposition: form-data; name=a; filename*=UTF-8''%zz",
                "a part's filename* does not conform to RFC 8187"
            ),
            ("Content-Type: text/plain", "a part has no name in a Content-Disposition"),
            ("Content-Disposition: form-data", "a part has no name in a Content-Disposition"),
            ("Content-Disposition: form-data; filename=a", "a part has no name in a Content-Disposition"),
            ("Content-Disposition: attachment; name=a", "a part's Content-Disposition is not one form-data"),
            (
                "Content-Disposition: form-data; name=a; name=b",
                "a part's Content-Disposition is not one form-data"
            ),
            (
                "Content-Disposition: form-data; name=a; NAME=b",
                "a part's Content-Disposition is not one form-data"
            ),
            ("Content-Disposition: form-data; name=\"a", "a part's Content-Disposition is not one form-data"),
            (
                "Content-Disposition: form-data; name=\"a\\",
                "a part's Content-Disposition is not one form-data"
            ),
            (
                "Content-Disposition: form-data; name=\"a\\\"",
                "a part's Content-Disposition is not one form-data"
            ),
            (
                "Content-Disposition: form-data; name=\"a\"b",
                "a part's Content-Disposition is not one form-data"
            ),
            ("Content-Disposition: form-data; name", "a part's Content-Disposition is not one form-data"),
            (
                "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b",
                "a part's Content-Disposition is not one form-data"
            ),
            (
                "Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\ncontent-type: c/d",
                "a part has two Content-Types"
            ),
            (
                "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64",
                "a part has a Content-Transfer-Encoding (RFC 7578, 4.7)"
            ),
            ("Content-Disposition: form-data;\r\n name=a", "a line of a part's header is not a field"),
            ("Content-Disposition : form-data; name=a", "a line of a part's header is not a field"),
            (": a", "a line of a part's header is not a field"),
            ("hello", "a line of a part's header is not a field"),
            (
                "Content-Disposition: form-data; name=a\nX: 1",
                "a line of a part's header does not end with CRLF"
            ),
            (
                "Content-Disposition: form-data; name=\"a\rb\"",
                "a line of a part's header does not end with CRLF"
            ),
            ("Content-Disposition: form-data; name=\"a\u{0}b\"", "a part's header has a zero byte"),
        ])
    func refused(lines: String, reason: String) {
        #expect(refusal(lines) == reason)
    }
}
