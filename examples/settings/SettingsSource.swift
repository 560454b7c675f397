/// Where a read found the settings.
enum SettingsSource: String, Codable {
    case cache, database
}
