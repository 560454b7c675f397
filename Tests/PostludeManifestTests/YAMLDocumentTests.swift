import PostludeManifest
import PostludeRouting
import Testing

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
            ("a: *b", "1:4: not YAML: found undefined alias"),
            ("routes: []\n---\nroutes: []", "2:1: found a second YAML document, expected one"),
        ])
    func syntax(yaml: String, expected: String) {
        #expect(mistakes(yaml + "\n") == ["routes.yaml:" + expected])
    }

    @Test("Endless nesting is refused")
    func nesting() {
        for bracket in ["[", "{a: ", "- "] {
            let found = mistakes(String(repeating: bracket, count: 100_000))
            #expect(found.count == 1)
            #expect(found.first?.contains("nest") == true, "\(found)")
        }
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

    @Test("A duplicate key without a position of its own is reported at its first place")
    func duplicateLists() {
        let found = mistakes("[a]: 1\n[a]: 2\n")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("routes.yaml:1:1: the key ") == true)
        #expect(found.first?.hasSuffix(" appears twice in its mapping") == true)
    }

    @Test("Duplicate keys beyond the number searched for are still reported")
    func manyDuplicates() {
        let keys = (0..<20).map { "k\($0): 1\nk\($0): 2\n" }.joined()
        let found = mistakes(keys)
        #expect(found.count == 17)
        #expect(found.allSatisfy { $0.hasSuffix(" appears twice in its mapping") })
    }

    @Test("Anchors are refused, each at its place")
    func anchors() {
        let refusal = "expected plain values: anchors, aliases and merge keys are not supported"
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
            ])
    }

    @Test("A merge key is refused")
    func mergeKey() {
        let yaml = manifest("limits: { <<: { body: 1k } }")
        #expect(
            mistakes(yaml) == ["routes.yaml:1:11: unknown key `<<` in `limits`; merge keys are not supported"]
        )
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
        let taken = processorTime { #expect(mistakes(yaml + "? *a40\n: x\n? [*a40]\n: y\n").count == 41) }
        #expect(taken < .seconds(5))
    }

    @Test("A tag is refused")
    func tags() {
        let yaml = manifest("prefix: !!binary L2FwaQ==")
        #expect(
            mistakes(yaml) == [
                "routes.yaml:1:9: found the tag `tag:yaml.org,2002:binary`, expected a value without a tag"
            ])
    }
}
