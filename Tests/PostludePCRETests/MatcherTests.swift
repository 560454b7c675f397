import PostludePCRE
import Testing

@Suite("Matcher")
struct MatcherTests {
    let matcher: Matcher

    init() throws {
        matcher = try Matcher()
    }

    @Test("groups, a group that did not participate, and one that does not exist")
    func ranges() throws {
        let pattern = try CompiledPattern("(a)|(b)(é+)", options: [.utf])
        #expect(matcher.matches(pattern, "béé"))
        #expect(matcher.range(ofGroup: 0) == 0..<5)
        #expect(matcher.range(ofGroup: 1) == nil)
        #expect(matcher.range(ofGroup: 2) == 0..<1)
        #expect(matcher.range(ofGroup: 3) == 1..<5)
        #expect(matcher.range(ofGroup: 4) == nil)
        #expect(matcher.range(ofGroup: -1) == nil)
        #expect(matcher.result(pattern, "c") == .noMatch)
        #expect(matcher.range(ofGroup: 0) == nil)
    }

    @Test("the mark of the alternative that matched")
    func mark() throws {
        let pattern = try CompiledPattern(
            "(?|(a+)(*MARK:0)|(b+)(*MARK:17)|(c)(*MARK:x1))", options: [.endAnchored])
        #expect(matcher.matches(pattern, "bb"))
        #expect(matcher.markNumber == 17)
        #expect(matcher.mark == "17")
        #expect(matcher.range(ofGroup: 1) == 0..<2)
        #expect(matcher.matches(pattern, "a"))
        #expect(matcher.markNumber == 0)
        #expect(matcher.matches(pattern, "c"))
        #expect(matcher.markNumber == nil)
        #expect(matcher.mark == "x1")
        #expect(matcher.matches(try CompiledPattern("a", options: []), "a"))
        #expect(matcher.mark == nil)
    }

    @Test("more groups than the matcher has initial room for")
    func manyGroups() throws {
        let pattern = try CompiledPattern(String(repeating: "(.)", count: 100), options: [])
        let subject = String(repeating: "x", count: 100)
        #expect(matcher.matches(pattern, subject))
        #expect(matcher.range(ofGroup: 100) == 99..<100)
    }

    @Test("catastrophic backtracking ends as exceeded limit, not as no match, and the matcher stays usable")
    func limit() throws {
        let pattern = try CompiledPattern("(?:a+)+b", options: [.anchored, .endAnchored])
        let attack = String(repeating: "a", count: 50) + "cb"
        #expect(matcher.result(pattern, attack) == .limitExceeded)
        #expect(matcher.matches(pattern, "aab"))
    }

    @Test("a pattern that exhausts the JIT's stack ends as exceeded limit")
    func stack() throws {
        let matcher = try Matcher(matchLimit: .max, depthLimit: .max)
        let nested = try CompiledPattern("(\\((?:[^()]|(?1))*+\\))", options: [])
        let deep = String(repeating: "(", count: 500_000) + String(repeating: ")", count: 500_000)
        #expect(matcher.result(nested, deep) == .limitExceeded)
    }

    @Test("subjects that the caller does not promise to be UTF-8 are checked")
    func invalidSubject() throws {
        let pattern = try CompiledPattern(".", options: [.utf])
        let result = [0xFF, 0x41].withUnsafeBufferPointer { matcher.match(pattern, $0) }
        guard case .failed(let error) = result else {
            Issue.record("expected an error, got \(result)")
            return
        }
        #expect(error.code < 0)
        #expect(error.description.hasPrefix("PCRE2 error -"))
    }

    @Test("an empty subject")
    func empty() throws {
        #expect(matcher.matches(try CompiledPattern("a*", options: [.utf]), ""))
        #expect(matcher.range(ofGroup: 0) == 0..<0)
    }
}
