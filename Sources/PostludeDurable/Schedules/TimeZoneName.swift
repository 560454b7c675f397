internal import FoundationEssentials

extension TimeZone {
    /// A time zone by its name in the tz database, such as `Europe/Paris`.
    ///
    /// Foundation takes abbreviations too, which mean several zones (`BST` is Dhaka's there, `EST` New York's with summer
    /// time), and offsets such as `GMT+5`, which the database's `Etc/GMT+5` reads the other way round.
    init?(tzDatabaseName name: String) {
        let isOwnName = name.contains("/") || Self.namesOfOneWord.contains(name)
        guard isOwnName, name.first?.isLetter == true else { return nil }
        self.init(identifier: name)
    }

    /// Those without a slash that are not abbreviations.
    private static let namesOfOneWord: Set<String> = [
        "UTC", "GMT", "Cuba", "Egypt", "Eire", "GB", "Greenwich", "Hongkong", "Iceland", "Iran", "Israel",
        "Jamaica", "Japan", "Kwajalein", "Libya", "Navajo", "Poland", "Portugal", "Singapore", "Turkey",
        "Universal", "Zulu", "GB-Eire", "NZ", "NZ-CHAT", "W-SU", "EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT",
    ]
}
