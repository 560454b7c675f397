import Postlude

extension SettingsApplication {
    /// `POST /users/{user_id:int}/settings`: the response means that the settings are on the disk. The next
    /// read finds them in the cache, because a task reads them first.
    func save(user: Path<Int>, settings: JSONBody<UserSettings>, tasks: BackgroundTasks) throws -> SaveAnswer
    {
        let saved = try store.save(settings.value, of: user.value)
        tasks.add(named: "warm the cache", store.warm, user.value)
        return SaveAnswer(message: "Settings saved", revision: saved.revision)
    }
}

struct SaveAnswer: Codable {
    var message: String
    var revision: Int
}
