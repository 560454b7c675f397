import HTTPTypes
import Testing

@testable import Postlude

@Suite("Response.redirect")
struct ResponseRedirectTests {
    @Test("a redirect is 303 to GET, without a body")
    func plain() {
        let response = Response.redirect(to: "/settings?saved=1#top")
        #expect(response.status.code == 303)
        #expect(response.headers[.location] == "/settings?saved=1#top")
        #expect(response.body.bytes == [])
    }

    @Test("the other statuses are available", arguments: Response.Redirection.allCases)
    func statuses(status: Response.Redirection) {
        let response = Response.redirect(to: "https://example.org/", status: status)
        #expect(response.status.code == status.rawValue)
        #expect(response.status.kind == .redirection)
        #expect(response.headers[.location] == "https://example.org/")
    }

    @Test(
        "characters that are invalid in a URI are encoded, and nothing is encoded twice",
        arguments: [
            ("/grün weiß", "/gr%C3%BCn%20wei%C3%9F"),
            ("/a%20b", "/a%20b"),
            ("/100%", "/100%25"),
            ("/%zz%4", "/%25zz%254"),
            ("/a\r\nSet-Cookie: x=1", "/a%0D%0ASet-Cookie:%20x=1"),
            ("/\\evil.example", "/%5Cevil.example"),
            ("/\"<>^`{|}\u{7f}\0", "/%22%3C%3E%5E%60%7B%7C%7D%7F%00"),
            ("/a:b/?c[]=d&e='(f)'*+,;=!$@~#-._", "/a:b/?c[]=d&e='(f)'*+,;=!$@~#-._"),
            ("", ""),
        ])
    func encoding(target: String, location: String) {
        #expect(Response.redirect(to: target).headers[.location] == location)
    }

    @Test("its own fields are kept")
    func fields() {
        let response = Response.redirect(to: "/", headers: [.cacheControl: "no-store", .location: "/other"])
        #expect(response.headers[.cacheControl] == "no-store")
        #expect(response.headers[values: .location] == ["/"])
    }
}
