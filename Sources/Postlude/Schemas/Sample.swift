/// Which values a type gets that is recorded: with others, it may take another way through its `init(from:)`.
struct Sample {
    /// 0 for the first.
    let number: Int

    /// Enough for the cases of a small enumeration, and for a kind of value to be refused.
    static let all = (0..<8).map { Sample(number: $0) }
    /// For types that accept few texts.
    static let attempts = texts.indices.map { Sample(number: $0) }

    var integer: Int { number }
    var bool: Bool { !number.isMultiple(of: 2) }
    var text: String { Self.texts[number % Self.texts.count] }
    /// Whether optional values are there.
    var hasOptionals: Bool { !number.isMultiple(of: 2) }
    /// Types that take a text or a number show both when one is refused.
    var refusesText: Bool { number == 6 }
    var refusesNumbers: Bool { number == 7 }

    private static let texts = [
        "", "a", "1", "user@localhost.example", "https://localhost/", "2030-01-31T12:00:00Z", "2030-01-31",
        "12:00",
        "00000000-0000-4000-8000-000000000000", "/a", "en", "#000000", "1.0.0", "aaaaaaaa", "AAA",
        "127.0.0.1",
    ]
}
