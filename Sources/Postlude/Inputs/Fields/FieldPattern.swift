internal import PostludePCRE
internal import PostludeSystem

/// The regular expression of a ``Field``, compiled once; matching it is bounded.
struct FieldPattern: Sendable {
    let text: String
    private let compiled: CompiledPattern

    init(_ text: String) throws(PCREError) {
        self.text = text
        compiled = try CompiledPattern(text, options: [.utf, .dollarEndOnly, .neverBackslashC])
    }

    /// Whether it matches somewhere in `text`; not when that cannot be told within the match limit.
    func matches(_ text: String) -> Bool {
        guard let matcher = MatcherPool.shared.take() else { return false }
        defer { MatcherPool.shared.giveBack(matcher) }
        var text = text
        return text.withUTF8 { matcher.matcher.match(compiled, $0, isValidUTF8: true) == .match }
    }
}

/// Matchers that no thread uses at the moment, at most as many as have ever matched at once.
private final class MatcherPool: Sendable {
    // Unchecked: the pool gives a matcher to one thread, which gives it back when it is done.
    struct Entry: @unchecked Sendable {
        let matcher: Matcher
    }

    static let shared = MatcherPool()
    private let free = Lock<[Entry]>([])

    /// nil without memory for one.
    func take() -> Entry? {
        free.withLock { $0.popLast() } ?? (try? Matcher()).map(Entry.init)
    }

    func giveBack(_ entry: Entry) { free.withLock { $0.append(entry) } }
}
