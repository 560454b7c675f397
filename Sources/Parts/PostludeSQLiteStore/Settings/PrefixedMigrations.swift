internal import FoundationEssentials
internal import GRDB
internal import PostludeTaskStore

/// The migrations of the tables in an application's database.
///
/// They are recorded in a table of their own: the application may have a `DatabaseMigrator`, which would not know them, and
/// `application_id` and `user_version` are the application's.
enum PrefixedMigrations {
    private static let table = "\(TableNames.prefixed.prefix)migration"

    /// - Returns: the names of the migrations that the database has; nil if it has never had a task store.
    static func applied(in database: Database) throws -> [String]? {
        guard try database.tableExists(table) else { return nil }
        return try String.fetchAll(database, sql: "SELECT name FROM \(table)")
    }

    /// Runs the migrations that the database does not have, in one transaction.
    static func migrate(_ database: Database) throws {
        try database.inTransaction(.immediate) {
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS \(table) (
                        name TEXT NOT NULL PRIMARY KEY,
                        time INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID
                    """)
            for migration in TaskStoreSchema.missing(after: try applied(in: database) ?? []) {
                try database.execute(sql: migration.sql.text(.prefixed))
                try database.execute(
                    sql: "INSERT INTO \(table) (name, time) VALUES (?, ?)",
                    arguments: [migration.name, Date().milliseconds])
            }
            return .commit
        }
    }
}
