import GRDB

/// A row of the table `settings`.
struct SavedSettings: Sendable {
    var userID: Int
    var settings: UserSettings
    /// The number of writes of this user's settings, from 1.
    var revision: Int

    enum Columns {
        static let revision = Column(CodingKeys.revision)
    }
}

extension SavedSettings: Codable, FetchableRecord, MutablePersistableRecord {
    static let databaseTableName = "settings"

    enum CodingKeys: String, CodingKey {
        case userID = "user_id"
        case theme, language, newsletter, revision
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        userID = try container.decode(Int.self, forKey: .userID)
        revision = try container.decode(Int.self, forKey: .revision)
        // The columns have the names of its properties.
        settings = try UserSettings(from: decoder)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(userID, forKey: .userID)
        try container.encode(revision, forKey: .revision)
        try settings.encode(to: encoder)
    }
}
