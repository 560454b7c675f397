internal import GRDBSQLite

/// The SQLite library with which this program is linked.
enum SQLiteVersion {
    /// The version of the linked SQLite, such as `3.40.1`.
    static var text: String { String(cString: sqlite3_libversion()) }

    /// Whether this version of SQLite can lose commits if two connections checkpoint and commit at once: "The WAL-Reset
    /// Bug" of <https://sqlite.org/wal.html>, in 3.7.0 to 3.51.2 except 3.44.6 and 3.50.7. The task store avoids it.
    static var hasResetBug: Bool { hasResetBug(Int(sqlite3_libversion_number())) }

    /// The library's name and version, as logs and pages show them.
    static var library: String {
        "SQLite \(text)" + (hasResetBug ? " (it has the WAL-reset bug, which the task store avoids)" : "")
    }

    static func hasResetBug(_ number: Int) -> Bool {
        switch number {
        case ..<3_007_000, 3_044_006..<3_045_000, 3_050_007..<3_051_000, 3_051_003...: false
        default: true
        }
    }
}
