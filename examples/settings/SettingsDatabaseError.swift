/// A database that SQLite or the file system cannot open.
struct SettingsDatabaseError: Error, CustomStringConvertible {
    let path: String
    let reason: any Error

    var description: String {
        "the database \(path) could not be opened; SETTINGS_DATABASE names another file: \(reason)"
    }
}
