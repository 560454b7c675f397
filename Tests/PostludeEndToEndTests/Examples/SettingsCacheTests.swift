import Testing

@testable import PostludeSettingsExample

@Suite("The cache of the settings example")
struct SettingsCacheTests {
    private static func saved(_ user: Int, revision: Int = 1) throws -> SavedSettings {
        let language = try #require(LanguageTag("en"))
        let settings = UserSettings(theme: .dark, language: language, newsletter: false)
        return SavedSettings(userID: user, settings: settings, revision: revision)
    }

    private static func ticket(_ user: Int, _ cache: SettingsCache) throws -> SettingsCache.Ticket {
        guard case .miss(let ticket) = cache.find(user) else {
            throw TimedOut(description: "\(user) is in the cache")
        }
        return ticket
    }

    private static func revision(of user: Int, in cache: SettingsCache) -> Int? {
        guard case .hit(let saved) = cache.find(user) else { return nil }
        return saved.revision
    }

    @Test("Settings that were read are found until they are removed")
    func fills() throws {
        let cache = SettingsCache(capacity: 10)
        cache.fill(try Self.saved(1), with: try Self.ticket(1, cache))
        #expect(Self.revision(of: 1, in: cache) == 1)
        cache.forget(1)
        #expect(Self.revision(of: 1, in: cache) == nil)
    }

    @Test("A read that began before a write does not fill the cache")
    func refusesStaleReads() throws {
        let cache = SettingsCache(capacity: 10)
        let before = try Self.ticket(1, cache)
        cache.forget(1)
        let after = try Self.ticket(1, cache)
        cache.fill(try Self.saved(1, revision: 2), with: after)
        cache.fill(try Self.saved(1, revision: 1), with: before)
        #expect(Self.revision(of: 1, in: cache) == 2)
    }

    @Test("A stale read does not fill the cache either after the new settings have left it")
    func refusesStaleReadsAfterEviction() throws {
        let cache = SettingsCache(capacity: 2)
        let before = try Self.ticket(1, cache)
        cache.forget(1)
        for user in 2...9 { cache.fill(try Self.saved(user), with: try Self.ticket(user, cache)) }
        cache.fill(try Self.saved(1), with: before)
        #expect(Self.revision(of: 1, in: cache) == nil)
    }

    @Test("It holds no more users than its bound, and keeps those that are read")
    func isBounded() throws {
        let cache = SettingsCache(capacity: 10)
        for user in 1...1_000 {
            cache.fill(try Self.saved(user), with: try Self.ticket(user, cache))
            #expect(Self.revision(of: 1, in: cache) == 1, "read all the time")
        }
        let kept = (1...1_000).filter { Self.revision(of: $0, in: cache) != nil }
        #expect(kept.count <= 10 && kept.contains(1_000), "\(kept)")
    }

    @Test("Negative numbers and the largest ones are ordinary users", arguments: [-1, .min, .max])
    func extremes(user: Int) throws {
        let cache = SettingsCache(capacity: 10)
        cache.fill(try Self.saved(user), with: try Self.ticket(user, cache))
        #expect(Self.revision(of: user, in: cache) == 1)
        cache.forget(user)
        #expect(Self.revision(of: user, in: cache) == nil)
    }

    @Test(
        "A language is checked for its form", arguments: ["en", "pt-BR", "zh-Hant-TW", "de-CH-1996", "yue"])
    func languages(text: String) { #expect(LanguageTag(text)?.text == text) }

    @Test(
        "Text without a language's form is not a language",
        arguments: ["", "e", "-", "en-", "en--US", "de_DE", "12", "en us", "ñu", "en-abcdefghi", "abcdefghi"])
    func noLanguages(text: String) { #expect(LanguageTag(text) == nil) }
}
