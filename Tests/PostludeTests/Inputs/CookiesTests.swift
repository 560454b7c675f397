import Testing

@testable import Postlude

@Suite("Cookies")
struct CookiesTests {
    private func request(_ fields: String...) throws -> Request {
        try RequestFixture(parameters: fields.map { ("HTTP_COOKIE", $0) }).request()
    }

    @Test(
        "are parsed in the forms that clients send",
        arguments: [
            ("", []), ("a=1", ["a=1"]), ("a=1; b=2", ["a=1", "b=2"]),
            ("a=1;b=2 ;\tc = 3", ["a=1", "b=2", "c=3"]),
            ("a=", ["a="]), ("=1", []), ("a", []), ("a; b=2", ["b=2"]), (";;a=1;", ["a=1"]),
            (#"a="1 2""#, ["a=1 2"]), (#"a=""#, ["a=\""]), (#"a="""#, ["a="]), (#"a="1"#, [#"a="1"#]),
            ("a=b=c", ["a=b=c"]), ("a=%20+", ["a=%20+"]), ("a=1; A=2; a=3", ["a=1", "A=2", "a=3"]),
            ("ä=€", ["ä=€"]),
        ])
    func parsing(field: String, pairs: [String]) throws {
        #expect(try request(field).cookies.map { "\($0.name)=\($0.value)" } == pairs)
    }

    @Test("the first of several cookies with one name counts, also across fields")
    func first() throws {
        let cookies = try request("b=0; a=1", "a=2; c=3").cookies
        #expect(cookies["a"] == "1")
        #expect(cookies["c"] == "3")
        #expect(cookies["d"] == nil)
        #expect(cookies.count == 4)
    }

    @Test("are decoded by the property's exact name, or by a given one")
    func typed() throws {
        struct Session: InputFields {
            @Field(3...) var session: String
            @Field(name: "visit-count") var visits = 0
            @Field var dark: Bool?
            @Field var ids: [Int] = []
        }
        let cookies = try Cookies<Session>(
            request: request("session=abc; session=x; visit-count=7; Dark=1; ids=1; ids=2"))
        #expect(cookies.session == "abc")
        #expect(cookies.visits == 7)
        #expect(cookies.dark == nil)
        #expect(cookies.ids == [1, 2])
        let found = issues { _ = try Cookies<Session>(request: request("session=ab; visit-count=x")) }
        #expect(
            found == [
                "cookie.session: String should have at least 3 characters (string_too_short)",
                "cookie.visit-count: Input should be a valid integer, unable to parse string as an integer"
                    + " (int_parsing)",
            ])
    }
}
