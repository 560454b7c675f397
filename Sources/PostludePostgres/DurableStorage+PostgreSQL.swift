public import PostludeDurable
internal import PostludePostgreSQLStore
internal import PostludeSQLiteStore
internal import PostludeTaskStore

extension DurableStorage {
    /// A PostgreSQL database, whose address is the manifest's `task-store`; also a file, if that is a path.
    ///
    /// ```swift
    /// var taskEngine: TaskEngine? {
    ///     .durable(in: .postgreSQL) { Charge.self }
    /// }
    /// ```
    ///
    /// So one program keeps its tasks in a file on the developer's machine, and in PostgreSQL where several machines share
    /// them.
    public static var postgreSQL: DurableStorage { DurableStorage(PlaceDriver()) }
}

/// Opens an address of PostgreSQL as such, and any other place as a file.
private struct PlaceDriver: RecordStoreDriver {
    private let server = PostgreSQLDriver()
    private let file = SQLiteFileDriver()

    var library: String { "\(server.library), \(file.library)" }

    private func driver(of place: String) -> any RecordStoreDriver {
        PostgreSQLDriver.matches(place) ? server : file
    }

    func problem(ofPlace place: String) -> String? { nil }

    func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore {
        try driver(of: place).open(place, role: role, settings: settings)
    }

    func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? {
        try driver(of: place).restore(backup, to: place)
    }

    func migrate(_ place: String) throws(TaskStoreError) -> [String] { try driver(of: place).migrate(place) }

    func pendingMigrations(of place: String) throws(TaskStoreError) -> String {
        try driver(of: place).pendingMigrations(of: place)
    }

    func readContents(of place: String, _ body: ([RecordContent]) throws -> Bool) throws -> Bool {
        try driver(of: place).readContents(of: place, body)
    }
}
