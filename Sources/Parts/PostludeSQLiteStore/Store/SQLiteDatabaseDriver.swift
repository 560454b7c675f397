package import GRDB
package import PostludeTaskStore

/// Opens task stores in the application's own SQLite database.
package struct SQLiteDatabaseDriver: RecordStoreDriver {
    private let writer: any DatabaseWriter

    package init(_ writer: any DatabaseWriter) { self.writer = writer }

    package var library: String { SQLiteVersion.library }
    package var connection: Any.Type? { Database.self }

    /// - Parameter place: not used, because the application names its database.
    package func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore {
        try SQLiteTaskStore(in: writer, role: role, settings: settings)
    }

    package func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? {
        throw TaskStoreError(
            .refused, writer.path, "the tasks are in the application's database",
            advice: "restore that, while no process has it open")
    }

    package func migrate(_ place: String) throws(TaskStoreError) -> [String] {
        let pending = try pendingMigrations()
        try SQLiteTaskStore(in: writer, role: .visitor, settings: TaskStoreSettings()).close()
        return pending.map(\.name)
    }

    package func pendingMigrations(of place: String) throws(TaskStoreError) -> String {
        TaskStoreSchema.text(of: try pendingMigrations(), .prefixed)
    }

    private func pendingMigrations() throws(TaskStoreError) -> [TaskStoreSchema.Migration] {
        do {
            let applied = try writer.read { try PrefixedMigrations.applied(in: $0) } ?? []
            return TaskStoreSchema.migrations.filter { !applied.contains($0.name) }
        } catch {
            throw TaskStoreError(writer.path, error)
        }
    }
}
