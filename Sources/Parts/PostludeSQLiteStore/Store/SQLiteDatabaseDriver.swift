package import GRDB
package import PostludeTaskStore

/// Opens task stores in the application's own SQLite database.
package struct SQLiteDatabaseDriver: RecordStoreDriver {
    private let writer: any DatabaseWriter

    package init(_ writer: any DatabaseWriter) { self.writer = writer }

    package var library: String { SQLiteVersion.library }
    package var connection: Any.Type? { Database.self }
    package var needsPlace: Bool { false }

    /// - Parameter place: not used, because the application names its database.
    package func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore {
        try SQLiteTaskStore(in: writer, role: role, settings: settings)
    }

    package func observeCommits(by observer: any CommitObserver) {
        writer.add(transactionObserver: ObservedCommits(observer), extent: .databaseLifetime)
    }

    package func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? {
        throw TaskStoreError(
            .refused, writer.path, "the tasks are in the application's database",
            advice: "restore that, while no process has it open")
    }

    package func migrate(_ place: String) throws(TaskStoreError) -> [String] {
        let applied = try applied()
        // A visitor migrates the tables, and owns nothing; a process makes them.
        let role = applied == nil ? TaskStoreRole.process : .visitor
        try SQLiteTaskStore(in: writer, role: role, settings: TaskStoreSettings()).close()
        return TaskStoreSchema.missing(after: applied ?? []).map(\.name)
    }

    package func pendingMigrations(of place: String) throws(TaskStoreError) -> String {
        TaskStoreSchema.text(of: TaskStoreSchema.missing(after: try applied() ?? []), .prefixed)
    }

    package func readContents(of place: String, _ body: ([RecordContent]) throws -> Bool) throws -> Bool {
        try SQLiteTaskStore.readContents(at: ApplicationDatabase.path(of: writer), .prefixed, body)
    }

    /// The names of the migrations that the database has; nil if it has no tables of tasks.
    private func applied() throws(TaskStoreError) -> [String]? {
        do {
            return try writer.read { try PrefixedMigrations.applied(in: $0) }
        } catch {
            throw TaskStoreError(writer.path, error)
        }
    }
}

/// Tells an observer of the commits of a writer's connection.
private final class ObservedCommits: TransactionObserver {
    private weak let observer: (any CommitObserver)?

    init(_ observer: any CommitObserver) { self.observer = observer }

    func observes(eventsOfKind eventKind: DatabaseEventKind) -> Bool { true }
    func databaseDidChange(with event: DatabaseEvent) {}
    func databaseWillCommit() throws { try observer?.willCommit() }
    func databaseDidCommit(_ db: Database) {}
    func databaseDidRollback(_ db: Database) {}
}
