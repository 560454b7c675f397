import Testing

@testable import Postlude

@Suite("RequestID")
struct RequestIDTests {
    private func id(_ parameters: [(String, String)]) throws -> String {
        RequestID.of(try RequestFixture(parameters: parameters).head())
    }

    private func isRandom(_ id: String) -> Bool {
        id.utf8.count == 32 && id.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }

    @Test("the web server's id comes first, then the client's")
    func order() throws {
        #expect(try id([("HTTP_X_REQUEST_ID", "client"), ("REQUEST_ID", "server")]) == "server")
        #expect(try id([("HTTP_X_REQUEST_ID", "client")]) == "client")
        #expect(try id([("HTTP_X_REQUEST_ID", "client"), ("REQUEST_ID", "")]) == "client")
    }

    @Test(
        "valid ids are kept",
        arguments: [
            "a", "0", "AZaz09-_.:", "7f3d5e2c-1111-2222-3333-444455556666",
            String(repeating: "x", count: 128),
        ])
    func sound(name: String) throws {
        #expect(try id([("HTTP_X_REQUEST_ID", name)]) == name)
    }

    @Test(
        "an id that could forge log lines is replaced",
        arguments: [
            "", " ", "a b", "a\nlevel=error", "a\r", "a=b", "\"", "a\u{1b}[31m", "ä", "a\u{301}", "\u{7f}",
            "a/b", "a,b",
            String(repeating: "x", count: 129),
        ])
    func unsound(name: String) throws {
        #expect(isRandom(try id([("HTTP_X_REQUEST_ID", name)])))
        #expect(isRandom(try id([("REQUEST_ID", name)])))
    }

    @Test("random ids differ")
    func random() throws {
        let names = try (0..<100).map { _ in try id([]) }
        #expect(names.allSatisfy(isRandom))
        #expect(Set(names).count == 100)
    }

    @Test("an id is generated when it is first needed, and stays the same")
    func known() throws {
        let nameless = RequestIdentity(try RequestFixture(parameters: []).head(), route: "/")
        #expect(nameless.knownID == nil)
        #expect(nameless.id == nameless.knownID && isRandom(nameless.id))
        let named = RequestIdentity(
            try RequestFixture(parameters: [("REQUEST_ID", "server")]).head(), route: "/")
        #expect(named.knownID == "server" && named.id == "server")
    }

    @Test("a request keeps its id")
    func stable() throws {
        let request = try RequestFixture().request()
        let copy = request
        #expect(request.id == copy.id)
        #expect(isRandom(request.id))
    }
}
