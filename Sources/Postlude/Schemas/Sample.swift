/// The values that a type decodes while it is recorded. With other values, its `init(from:)` may take another path.
struct Sample {
    /// The number of the sample, from 0.
    let number: Int

    /// The samples of a recording: enough for the cases of a small enumeration, and for refusing texts or numbers.
    static let all = (0..<8).map { Sample(number: $0) }
    /// Samples with all texts, for types that accept few texts.
    static let attempts = texts.indices.map { Sample(number: $0) }

    var integer: Int { number }
    var bool: Bool { !number.isMultiple(of: 2) }
    var text: String { Self.texts[number % Self.texts.count] }
    /// Whether optional values are present.
    var hasOptionals: Bool { !number.isMultiple(of: 2) }
    /// Whether texts are refused: a type that accepts a text or a number then decodes the number, and vice versa.
    var refusesText: Bool { number == 6 }
    var refusesNumbers: Bool { number == 7 }

    private static let texts = [
        "", "a", "1", "user@localhost.example", "https://localhost/", "2030-01-31T12:00:00Z", "2030-01-31",
        "12:00",
        "00000000-0000-4000-8000-000000000000", "/a", "en", "#000000", "1.0.0", "aaaaaaaa", "AAA",
        "127.0.0.1",
    ]
}
