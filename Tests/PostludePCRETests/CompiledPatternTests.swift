import PostludePCRE
import Testing

@Suite("CompiledPattern")
struct CompiledPatternTests {
    @Test("Debian's PCRE2 compiles to machine code")
    func jit() throws {
        #expect(try CompiledPattern("a+", options: [.utf]).isJITCompiled)
    }

    @Test("named groups are in the order of their numbers")
    func namedGroups() throws {
        let pattern = try CompiledPattern("(?<zeta>a)(b)(?<alpha>c)", options: [.utf])
        #expect(pattern.namedGroups.map(\.name) == ["zeta", "alpha"])
        #expect(pattern.namedGroups.map(\.number) == [1, 3])
        #expect(pattern.captureCount == 3)
        #expect(pattern.highestBackReference == 0)
        #expect(try CompiledPattern("(a)\\1", options: []).highestBackReference == 1)
    }

    @Test("an error has PCRE2's message, its number and the offset in bytes")
    func compileError() throws {
        let error = #expect(throws: PCREError.self) { try CompiledPattern("é(ab", options: [.utf]) }
        #expect(error?.code == 114)
        #expect(error?.message == "missing closing parenthesis")
        #expect(error?.offset == 5)
        #expect(error?.description == "PCRE2 error 114 at offset 5: missing closing parenthesis")
        #expect(error?.isPatternTooLarge == false)
    }

    @Test("a pattern beyond PCRE2's link size is distinguished from other errors")
    func tooLarge() throws {
        let error = #expect(throws: PCREError.self) {
            try CompiledPattern(String(repeating: "(?:ab|cd)", count: 20_000), options: [])
        }
        #expect(error?.isPatternTooLarge == true)
    }

    @Test("\\C does not compile if it could split a character")
    func backslashC() {
        #expect(throws: PCREError.self) { try CompiledPattern("\\C", options: [.utf, .neverBackslashC]) }
    }

    @Test("several threads match with one compiled pattern at once")
    func shared() async throws {
        let pattern = try CompiledPattern("(\\d+)-(\\w+)", options: [.utf, .anchored, .endAnchored])
        let matches = await withTaskGroup(of: Int.self) { group in
            for task in 0..<4 {
                group.addTask {
                    guard let matcher = try? Matcher() else { return 0 }
                    return (0..<1_000).count { number in
                        let subject = "\(task * 1_000 + number)-x"
                        let length = subject.utf8.count - 2
                        return matcher.matches(pattern, subject) && matcher.range(ofGroup: 1) == 0..<length
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(matches == 4_000)
    }
}

extension Matcher {
    func result(_ pattern: CompiledPattern, _ subject: String, isValidUTF8: Bool = true) -> Result {
        Array(subject.utf8).withUnsafeBufferPointer { match(pattern, $0, isValidUTF8: isValidUTF8) }
    }

    func matches(_ pattern: CompiledPattern, _ subject: String) -> Bool {
        result(pattern, subject) == .match
    }
}
