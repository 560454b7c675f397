/// The settings that a user can choose.
struct UserSettings: Codable, Hashable, Sendable {
    var theme: Theme
    var language: LanguageTag
    var newsletter: Bool

    enum Theme: String, Codable, Sendable {
        case light, dark, system
    }
}
