package import PostludeTaskStore

/// Opens task stores in PostgreSQL databases, by their addresses.
package struct PostgreSQLDriver: RecordStoreDriver {
    package init() {}

    package var library: String { "PostgreSQL (libpq \(PostgreSQLAddress.libraryVersion))" }

    package func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore {
        try PostgreSQLTaskStore(address: place, role: role, settings: settings)
    }

    package func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? {
        throw TaskStoreError(
            .refused, try PostgreSQLAddress(place).place, "PostgreSQL's own programs restore its databases",
            advice: "stop every server of it, and run pg_restore")
    }

    /// Whether a text is meant as an address of PostgreSQL, and not as a file's path.
    package static func matches(_ place: String) -> Bool { PostgreSQLAddress.matches(place) }

    package func problem(ofPlace place: String) -> String? {
        Self.matches(place)
            ? nil : "expected an address of PostgreSQL such as postgresql://user@host/database"
    }

    package func migrate(_ place: String) throws(TaskStoreError) -> [String] {
        try withMigration(of: place) { try $0.apply() }
    }

    package func pendingMigrations(of place: String) throws(TaskStoreError) -> String {
        try withMigration(of: place) { try $0.text() }
    }

    private func withMigration<Value>(
        of text: String, _ body: (StoreMigration) throws -> Value
    ) throws(TaskStoreError) -> Value {
        let address = try PostgreSQLAddress(text)
        do {
            let session = try Session(address, Session.Limits(lockTimeout: .seconds(60)))
            return try body(StoreMigration(session, place: address.place))
        } catch {
            throw TaskStoreError(address.place, error)
        }
    }
}
