import PostludeRouting
import Testing

@Suite("RoutePattern")
struct RoutePatternTests {
    @Test("names are those in the text, in order")
    func names() throws {
        #expect(try RoutePattern("/").parameterNames.isEmpty)
        #expect(
            try RoutePattern("/{b}/x-{a:int}.{_c1:slug}/{rest:path}").parameterNames == [
                "b", "a", "_c1", "rest",
            ])
        #expect(try RoutePattern(regex: #"^/(?<y>\d+)/(?<x>a)?(b)$"#).parameterNames == ["y", "x"])
    }

    @Test("the text stays as written")
    func text() throws {
        #expect(try RoutePattern("/a//{id:int}/").text == "/a//{id:int}/")
        #expect(try RoutePattern(regex: "^/a$").description == "^/a$")
    }

    @Test(
        "mistakes are found at their character",
        arguments: [
            ("", 0, "an empty pattern"), ("items", 0, "expected a slash"), ("{id}", 0, "expected a slash"),
            ("/a?b", 2, "without a query"), ("/a#b", 2, "without a fragment"), ("/a b", 2, "%20"),
            ("/a\u{1}", 2, "U+1"), ("/a}", 2, "%7D"), ("/é/a}", 4, "%7D"), ("/e\u{301}/a}", 4, "%7D"),
            ("/a%", 2, "%25"), ("/a%4", 2, "%25"), ("/a%zz", 2, "%25"), ("/%é1", 1, "%25"),
            ("/a%00", 2, "null"),
            ("/a%FFb", 1, "UTF-8"), ("/x/%C3/y", 3, "UTF-8"), ("/%C3{id}", 1, "UTF-8"),
            ("/a/./b", 3, "dot segment"), ("/a/..", 3, "dot segment"), ("/%2e%2e/a", 1, "dot segment"),
            ("/a%2F..", 1, "dot segment"),
            ("/{id", 1, "no `}`"), ("/a/{x:[}]", 3, "no `}`"), ("/{x:\\}", 1, "no `}`"),
            ("/{x:a{2}", 1, "no `}`"),
            ("/{}", 2, "without a name"), ("/{:int}", 2, "without a name"),
            ("/{a-b}", 3, "`-` in a parameter's name"),
            ("/{1a}", 2, "`1` in"), ("/{ a}", 2, "` ` in"), ("/{é}", 2, "`é` in"), ("/{a/b}", 3, "`/` in"),
            ("/{id}/{id}", 7, "`id` a second time"), ("/{id:}", 5, "no type"),
            ("/{id:integer}", 5, "unknown type `integer` (nearest: int)"),
            ("/{id:UUID}", 5, "(nearest: uuid)"),
            ("/{p:path}/x", 9, "`/` after a parameter of type path"),
            ("/{p:path}{x}", 9, "at the end"),
            ("/{x:a|b}/{p:path}", 1, "`regex:`"), ("/a/{x:a+}-{p:path}", 3, "`regex:`"),
            ("/{x:a(b}", 7, "missing closing parenthesis"),
            ("/{x:a)|(b}", 5, "unmatched closing parenthesis"),
            ("/{x:é[z-a]}", 8, "range out of order"), ("/{x:+a}", 4, "PCRE2"),
            ("/{x:(?<n>a)}", 4, "named group"), ("/{x:(a)\\1}", 4, "reference"), ("/{x:a\\Qb}", 1, "no `}`"),
            ("/{x:(*COMMIT)a}", 4, "verb"), ("/{x:a(?R)?}", 5, "recursion"),
            ("/{x:(a\\g<0>)?}", 6, "reference"),
            ("/{x:^a+}", 4, "`^`"), ("/{x:a+$}", 6, "`$`"), ("/{x:\\C+}", 6, "PCRE2"),
        ])
    func mistakes(text: String, offset: Int, message: String) {
        let error = #expect(throws: RoutePattern.SyntaxError.self) { try RoutePattern(text) }
        #expect(error?.offset == offset)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("found") == true && error?.message.contains("expected") == true)
    }

    @Test(
        "mistakes in a raw expression are found at their character",
        arguments: [
            ("", 0, "empty"), ("^/é(a", 5, "missing closing parenthesis"),
            ("^items/", 1, "`i`; expected a slash"),
            ("a", 0, "expected a slash"), ("/(?<n>a)(?<n>b)", 13, "same name"), ("/\\C", 3, "PCRE2"),
            ("(?J)/(?<n>a)(?<n>b)", 0, "two groups with the name `n`"),
        ])
    func rawMistakes(text: String, offset: Int, message: String) {
        let error = #expect(throws: RoutePattern.SyntaxError.self) { try RoutePattern(regex: text) }
        #expect(error?.offset == offset)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test(
        "braces in a parameter's expression nest, and do not count in classes and after backslashes",
        arguments: [
            "/{code:[A-Z]{2}}", "/{x:[}]+}", "/{x:[^]}]+}", "/{x:[[:alpha:]}]+}", "/{x:\\}\\{}",
            "/{x:(a|b){1,2}}/c",
            "/{x:\\Qa}b\\E.}", "/{x:a\\$}", "/{x:(?=a).(b)}", "/{x:(?i)abc}",
        ])
    func expressions(text: String) throws {
        #expect(try RoutePattern(text).parameterNames == ["x"] || text.contains("code"))
    }

    @Test("a prefix precedes a pattern")
    func prefixes() throws {
        let pattern = try RoutePattern("/a/{id:int}")
        #expect(try pattern.prefixed(by: "/api").text == "/api/a/{id:int}")
        #expect(try pattern.prefixed(by: "/api/").text == "/api/a/{id:int}")
        #expect(try pattern.prefixed(by: "/api/v1") == RoutePattern("/api/v1/a/{id:int}"))
        #expect(try pattern.prefixed(by: "") == pattern)
        #expect(try pattern.prefixed(by: "/") == pattern)
        let raw = try RoutePattern(regex: "^/x$").prefixed(by: "/b").prefixed(by: "/a")
        #expect(raw.description == "/a/b ^/x$")
    }

    @Test("a mistake in a prefix is found", arguments: [("api", 0), ("/a b", 2), ("/api/{tenant}", 5)])
    func prefixMistakes(prefix: String, offset: Int) throws {
        let pattern = try RoutePattern("/a")
        let error = #expect(throws: RoutePattern.SyntaxError.self) { try pattern.prefixed(by: prefix) }
        #expect(error?.offset == offset)
    }
}
