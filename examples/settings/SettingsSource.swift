/// Where a read found the settings.
enum SettingsSource: String, Encodable {
    case cache, database
}
