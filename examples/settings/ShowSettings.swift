import Postlude

extension SettingsApplication {
    /// `GET /users/{user_id:int}/settings`: the settings, and whether they came from the cache.
    func show(user: Path<Int>) throws -> ShowAnswer {
        guard let (saved, source) = try store.settings(of: user.value) else {
            throw HTTPError(.notFound, "User \(user.value) has no settings")
        }
        return ShowAnswer(
            userID: saved.userID, settings: saved.settings, revision: saved.revision, source: source)
    }
}

struct ShowAnswer: Codable {
    var userID: Int
    var settings: UserSettings
    var revision: Int
    var source: SettingsSource

    enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case settings, revision, source
    }
}
