import Testing

@testable import PostludeNginxSite

@Suite("NginxText")
struct NginxTextTests {
    @Test(
        "A word is quoted if nginx would end it",
        arguments: [
            ("/srv/files/", "/srv/files/"), ("/my files/", "\"/my files/\""), ("a;b", "\"a;b\""),
            ("/{a}", "\"/{a}\""), ("a\"b\\c", "\"a\\\"b\\\\c\""), ("", "\"\""), ("grün", "\"grün\""),
            ("a\nb", "\"a\\nb\""),
        ])
    func word(text: String, expected: String) {
        #expect(NginxText.word(text) == expected)
    }

    @Test(
        "A body limit is above Postlude's, and never unlimited",
        arguments: [(0, "1m"), (1, "2m"), (1 << 20, "2m"), (1 << 20 + 1, "3m"), (1 << 40, "1048577m")])
    func bodySize(bytes: Int, expected: String) {
        #expect(NginxText.bodySize(above: bytes) == expected)
    }

    @Test("Times are whole seconds, rounded up")
    func seconds() {
        #expect(NginxText.seconds(.seconds(75)) == "75s")
        #expect(NginxText.seconds(.milliseconds(75_001)) == "76s")
    }

    @Test(
        "nginx connects to one of the application's listening addresses",
        arguments: [
            ("/run/a.sock", "unix:/run/a.sock"), ("./a.sock", "unix:/srv/a.sock"),
            ("127.0.0.1:9000", "127.0.0.1:9000"), ("0.0.0.0:9000", "127.0.0.1:9000"),
            ("[::]:9000", "[::1]:9000"), ("host:9000", "host:9000"),
        ])
    func upstream(address: String, expected: String) {
        #expect(NginxText.upstream(address, in: "/srv") == expected)
    }

    @Test("A program's name is one that nginx accepts")
    func name() {
        #expect(NginxText.name("my app.1") == "my-app-1")
        #expect(NginxText.name("") == "postlude")
    }
}
