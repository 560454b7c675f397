import Testing

@testable import Postlude

@Suite("Query")
struct QueryTests {
    @Test("names that are canonically equivalent but have other bytes are different names")
    func equivalentNames() throws {
        struct Names: Decodable {
            enum CodingKeys: CodingKey {
                case composed, decomposed
                var stringValue: String { self == .composed ? "\u{e9}" : "e\u{301}" }
                var intValue: Int? { nil }
                init?(stringValue: String) { nil }
                init?(intValue: Int) { nil }
            }
            var composed: Int
            var decomposed: Int?
        }
        for more in ["", (0..<20).map { "&k\($0)=0" }.joined()] {
            let both = try Query<Names>(request: RequestFixture.get("/?%C3%A9=1&e%CC%81=2" + more).request())
            #expect(both.composed == 1 && both.decomposed == 2)
            let one = try Query<Names>(request: RequestFixture.get("/?%C3%A9=1" + more).request())
            #expect(one.composed == 1 && one.decomposed == nil)
        }
    }

    private func items(_ query: String) throws -> [String] {
        try RequestFixture.get("/?" + query).request().queryItems.map { "\($0.name)=\($0.value)" }
    }

    @Test(
        "names and values are decoded as HTML forms encode them",
        arguments: [
            ("a=1&b=2", ["a=1", "b=2"]),
            ("a+b=c+d", ["a b=c d"]),
            ("a=%2B%26%3D%25", ["a=+&=%"]),
            ("a=%c3%a4&b=%C3%A4", ["a=ä", "b=ä"]),
            ("a=1&a=2&a=1", ["a=1", "a=2", "a=1"]),
            ("a", ["a="]),
            ("a=", ["a="]),
            ("=a", ["=a"]),
            ("=", ["="]),
            ("a=b=c", ["a=b=c"]),
            ("", []),
            ("&&a=1&&b=2&", ["a=1", "b=2"]),
            ("a;b=1", ["a;b=1"]),
            ("a=1?b=2", ["a=1?b=2"]),
            ("a[]=1", ["a[]=1"]),
        ])
    func items(query: String, expected: [String]) throws {
        #expect(try items(query) == expected)
    }

    @Test(
        "an invalid escape stays unchanged",
        arguments: [
            ("a=%", ["a=%"]), ("a=%4", ["a=%4"]), ("a=%zz", ["a=%zz"]), ("a=%+1", ["a=% 1"]),
            ("a=%-1", ["a=%-1"]), ("a=100%&b=%41", ["a=100%", "b=A"]), ("a=%%41", ["a=%A"]),
            ("%4=1", ["%4=1"]),
        ])
    func brokenEscapes(query: String, expected: [String]) throws {
        #expect(try items(query) == expected)
    }

    @Test("bytes that are not UTF-8 are replaced")
    func invalid() throws {
        #expect(try items("a=%ff%fe") == ["a=\u{fffd}\u{fffd}"])
        #expect(try items("a=%c3") == ["a=\u{fffd}"])
        #expect(try items("a=%00") == ["a=\0"])
    }

    @Test("members are read through the input")
    func members() throws {
        struct Search: Decodable {
            var text: String
            var page: Int?
        }
        let query = try Query<Search>(request: RequestFixture.get("/?text=x+y&page=2").request())
        #expect(query.text == "x y")
        #expect(query.page == 2)
        #expect(query.value.text == "x y")
    }
}
