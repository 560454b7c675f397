import PostludeRouting
import Testing

@testable import PostludeManifest

@Suite("YAML of a manifest")
struct YAMLDocumentTests {
    @Test(
        "Text that is not YAML is reported with its position",
        arguments: [
            (
                "routes: [",
                "2:1: not YAML: did not find expected node content (while parsing a flow node that "
                    + "begins at 2:1)"
            ),
            ("a: b: c", "1:5: not YAML: mapping values are not allowed in this context"),
            (
                "prefix: \"/a",
                "2:1: not YAML: found unexpected end of stream (while scanning a quoted scalar that "
                    + "begins at 1:9)"
            ),
            (
                "a: 1\n\tb: 2",
                "2:1: not YAML: found a tab character that violates indentation (while scanning a "
                    + "plain scalar that begins at 1:4)"
            ),
            ("a: 1\nb: \u{7}x", "2:4: not YAML: found U+0007: control characters are not allowed"),
            ("a: 1\r\nb: \0x", "2:4: not YAML: found U+0000: control characters are not allowed"),
            (
                "ä: [€, \"\\q\"]",
                "1:9: not YAML: found unknown escape character (while parsing a quoted scalar that "
                    + "begins at 1:8)"
            ),
            ("😀: é\u{85}b: \u{FFFF}", "2:4: not YAML: found U+FFFF: control characters are not allowed"),
            ("routes: []\n---\nroutes: []", "2:1: found a second YAML document, expected one"),
        ])
    func syntax(yaml: String, expected: String) {
        #expect(mistakes(yaml + "\n") == ["routes.yaml:" + expected])
    }

    @Test(
        "Endless nesting is refused where it becomes too deep",
        arguments: [("[", 101), ("{a: ", 401), ("- ", 201), ("? ", 201), ("[{a: ", 251), ("{[", 101)])
    func nesting(opening: String, column: Int) {
        let expected = "found more than 100 nested lists and mappings, expected fewer"
        #expect(
            mistakes(String(repeating: opening, count: 20_000)) == ["routes.yaml:1:\(column): \(expected)"])
        let lines = (0..<300).map { String(repeating: " ", count: $0) + opening + "\n" }.joined()
        #expect(mistakes(lines).first?.hasSuffix(expected) == true)
    }

    @Test("Values and groups of routes are read up to the bound of nesting")
    func bound() throws {
        func schedule(_ depth: Int) -> String {
            let list = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            return manifest("schedules: { a: { cron: '@daily', task: A, arguments: { x: \(list) } } }")
        }
        let arguments = try parse(schedule(96)).schedules[0].arguments
        #expect(arguments.json.filter { $0 == "[" }.count == 96)
        #expect(
            mistakes(schedule(97)) == [
                "routes.yaml:1:156: found more than 100 nested lists and mappings, expected fewer"
            ])
        let groups = String(repeating: "[{ prefix: /a, routes: ", count: 48)
        let ends = String(repeating: "}]", count: 48)
        let yaml = "routes: \(groups)[{ path: /, method: GET, handler: home, limits: { body: 1k } }]\(ends)"
        #expect(try parse(yaml).routes[0].pattern.text == String(repeating: "/a", count: 48) + "/")
    }

    @Test("Duplicate keys are reported, together with the file's other mistakes")
    func duplicates() {
        let yaml = """
            prefix: /a
            'prefix': /b
            workers: { min: 0, max: 3, max: 4 }
            routes:
              - path: /a
                path: /b
                path: /c
                method: GET
                handler: hom
            """
        #expect(
            mistakes(yaml) == [
                "routes.yaml:2:1: the key `prefix` appears twice in the manifest; the first is in line 1",
                "routes.yaml:3:17: found the number 0 for `min`, expected a whole number from 1 to 4096",
                "routes.yaml:3:28: the key `max` appears twice in `workers`; the first is in line 3",
                "routes.yaml:6:5: the key `path` appears twice in a route; the first is in line 5",
                "routes.yaml:7:5: the key `path` appears twice in a route; the first is in line 5",
                "routes.yaml:9:14: unknown handler `hom` (nearest: home), expected one that the "
                    + "application registers",
            ])
    }

    @Test("Each of many duplicate keys is reported at its place")
    func manyDuplicates() {
        let keys = (0..<40).map { "k\($0): 1\n\"k\($0)\": 2\n" }.joined()
        let found = mistakes(keys).filter { $0.contains("appears twice") }
        #expect(
            found
                == (0..<40).map {
                    "routes.yaml:\(2 * $0 + 2):1: the key `k\($0)` appears twice in the manifest; the first is in "
                        + "line \(2 * $0 + 1)"
                })
    }

    @Test("Keys are compared after their escapes are read")
    func spellings() {
        let yaml = manifest("schedules: { ä: 1, \"\\xe4\": 2, 'ä': 3 }")
        let twice = "the key `ä` appears twice in `schedules`; the first is in line 1"
        #expect(
            mistakes(yaml).filter { $0.contains("appears twice") } == [
                "routes.yaml:1:20: \(twice)", "routes.yaml:1:31: \(twice)",
            ])
    }

    @Test(
        "A key that is not text is refused, however often it appears",
        arguments: [
            ("[a]: 1\n[a]: 2\n", "a list"), ("{ a: b }: 1\n{ a: b }: 2\n", "a mapping"),
            ("1: 1\n1: 2\n", "the number 1"), ("true: 1\ntrue: 2\n", "the boolean true"),
            ("~: 1\n~: 2\n", "nothing"),
        ])
    func notText(keys: String, description: String) {
        let found = mistakes(manifest(keys))
        #expect(found.count == 2)
        for (index, mistake) in found.enumerated() {
            let expected =
                "routes.yaml:\(index + 1):1: found \(description) as a key in the manifest, expected "
            #expect(mistake.hasPrefix(expected))
        }
    }

    private let refusal = "expected plain values: anchors, aliases and merge keys are not supported"

    @Test("Anchors and aliases are refused, each at its place")
    func anchors() {
        let yaml = """
            limits: &all { body: 1k }
            routes:
              - path: &p /a
                method: GET
                handler: home
                limits: *all
              - { path: *p, method: POST, handler: home }
            """
        #expect(
            mistakes(yaml) == [
                "routes.yaml:1:9: found the anchor &all, \(refusal)",
                "routes.yaml:3:11: found the anchor &p, \(refusal)",
                "routes.yaml:6:13: found the alias *all, \(refusal)",
                "routes.yaml:7:13: found the alias *p, \(refusal)",
            ])
    }

    @Test(
        "Anchors and aliases are refused in keys, with tags, and without an anchor for an alias",
        arguments: [
            ("&a prefix: /a", ["1:1: found the anchor &a"]),
            ("? [&a x]\n: &b", ["1:4: found the anchor &a", "2:3: found the anchor &b"]),
            ("prefix: !!str &a /a", ["1:9: found the anchor &a"]),
            ("ä: { 😀: *b }", ["1:9: found the alias *b"]),
            ("*a : 1\n? [*b]\n: 2", ["1:1: found the alias *a", "2:4: found the alias *b"]),
        ])
    func anchors(yaml: String, expected: [String]) {
        #expect(mistakes(yaml) == expected.map { "routes.yaml:\($0), \(refusal)" })
    }

    @Test("Text that is not YAML is reported with the anchors before it")
    func anchorsAndSyntax() {
        let found = mistakes("a: &b c\nd: e: f\n")
        #expect(
            found == [
                "routes.yaml:1:4: found the anchor &b, \(refusal)",
                "routes.yaml:2:5: not YAML: mapping values are not allowed in this context",
            ])
    }

    @Test("A merge key is refused")
    func mergeKey() {
        let yaml = manifest("limits: { <<: { body: 1k } }")
        #expect(
            mistakes(yaml) == ["routes.yaml:1:11: unknown key `<<` in `limits`; merge keys are not supported"]
        )
    }

    @Test("A merge key is refused where keys are arbitrary, and a quoted one is text")
    func arbitraryMergeKey() throws {
        func yaml(_ key: String) -> String {
            manifest("schedules: { a: { cron: '@daily', task: A, arguments: { \(key): { b: 1 } } } }")
        }
        #expect(
            mistakes(yaml("<<")) == [
                "routes.yaml:1:57: unknown key `<<` in `arguments`; merge keys are not supported"
            ])
        #expect(try parse(yaml("'<<'")).schedules[0].arguments.json == "{\"<<\":{\"b\":1}}")
    }

    @Test("Ampersands and asterisks in text are not anchors and aliases")
    func noAnchors() throws {
        let yaml = "# a & b, &c *d\nroutes: [{ path: '/a&b*c', method: GET, handler: home }]"
        #expect(try parse(yaml).routes[0].pattern.text == "/a&b*c")
    }

    @Test("A few lines that expand to billions of values are refused at once")
    func laughs() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...40 {
            let aliases = repeatElement("*a\(level - 1)", count: 10).joined(separator: ", ")
            yaml += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let taken = processorTime { #expect(mistakes(yaml + "? *a40\n: x\n? [*a40]\n: y\n").count == 443) }
        #expect(taken < .seconds(5))
    }

    @Test(
        "A tag is refused, on a value and on a key",
        arguments: [
            ("prefix: !!binary L2FwaQ==", "1:9: found the tag `tag:yaml.org,2002:binary`"),
            ("prefix: !!str /a", "1:9: found the tag `tag:yaml.org,2002:str`"),
            ("prefix: ! /a", "1:9: found the tag `!`"),
            ("workers: !!map { max: 8 }", "1:10: found the tag `tag:yaml.org,2002:map`"),
            ("listen: { address: /a, allow-users: !x [root] }", "1:37: found the tag `!x`"),
            ("workers: { !!str max: 8 }", "1:12: found the tag `tag:yaml.org,2002:str`"),
            ("!<a> prefix: /a", "1:1: found the tag `a`"),
        ])
    func tags(yaml: String, expected: String) {
        #expect(
            mistakes(manifest(yaml)) == ["routes.yaml:\(expected), expected a value without a tag"])
    }

    @Test("A damaged manifest is read or refused, with mistakes inside the text")
    func damaged() {
        let valid = Array(
            manifest(
                """
                # 😀é
                prefix: "/\\x61"
                schedules:
                  a: { cron: '@daily', task: A, arguments: { ä: [1, ~, "${A:-b}"] } }
                openapi:
                  description: |
                    Sells
                    1.
                """
            ).unicodeScalars)
        #expect(mistakes(text(valid)) == [])
        for index in valid.indices {
            expectPositions(text(valid[..<index]) + "\n")
            for replacement in "[]{}&*!|'\"%:-?,#$\\\t\n\u{7}\u{85}😀".unicodeScalars {
                expectPositions(text(valid[..<index] + [replacement] + valid[(index + 1)...]) + "\n")
            }
        }
    }

    private func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        String(String.UnicodeScalarView(scalars))
    }

    private func expectPositions(_ yaml: String) {
        let source = SourceText(yaml)
        let reading = Manifest.read(
            yaml, file: "routes.yaml", handlers: handlers, middleware: middleware, environment: [:])
        for mistake in reading.mistakes {
            let offset = mistake.location.position.flatMap(source.offset(of:))
            #expect(offset != nil, "\(mistake) of \(yaml.debugDescription)")
        }
    }
}
