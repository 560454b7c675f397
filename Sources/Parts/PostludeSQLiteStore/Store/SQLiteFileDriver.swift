internal import PostludeSystem
package import PostludeTaskStore

/// Opens task stores that are SQLite files of their own, by their paths.
package struct SQLiteFileDriver: RecordStoreDriver {
    package init() {}

    package var library: String { SQLiteVersion.library }

    package func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore {
        try SQLiteTaskStore(path: place, role: role, settings: settings)
    }

    package func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? {
        try SQLiteTaskStore.restore(backup, to: place)
    }

    package func migrate(_ place: String) throws(TaskStoreError) -> [String] {
        let pending = try SQLiteTaskStore.pendingMigrations(of: place)
        // A visitor migrates the tables, and owns nothing; a process makes the file.
        let isThere = FileIdentity(path: place) != nil
        try SQLiteTaskStore(path: place, role: isThere ? .visitor : .process).close()
        return pending.map(\.name)
    }

    package func pendingMigrations(of place: String) throws(TaskStoreError) -> String {
        TaskStoreSchema.text(of: try SQLiteTaskStore.pendingMigrations(of: place), .plain)
    }

    package func readContents(of place: String, _ body: ([RecordContent]) throws -> Bool) throws -> Bool {
        try SQLiteTaskStore.readContents(at: place, .plain, body)
    }

    package func problem(ofPlace place: String) -> String? {
        place.hasPrefix("/")
            ? nil
            : "the application keeps its tasks in a file, expected an absolute path; for an address of PostgreSQL, make its "
                + "taskEngine by .durable(in: .postgreSQL)"
    }
}
