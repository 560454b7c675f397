package import PostludeTaskStore

/// Opens task stores in PostgreSQL databases, by their addresses.
package struct PostgreSQLDriver: RecordStoreDriver {
    /// What the application's transactions are.
    package enum Transactions: Sendable {
        case none
        /// The store makes the connections.
        case connections(limit: Int, as: any ApplicationConnection.Type)
        /// The application has made them, and its code names the database by them.
        case application(ApplicationAccess)
    }

    private let transactions: Transactions

    package init(_ transactions: Transactions = .none) { self.transactions = transactions }

    package var connection: Any.Type? {
        switch transactions {
        case .none: nil
        case .connections(_, let type): type
        case .application(let access): access.type
        }
    }

    private var application: ApplicationAccess? {
        if case .application(let access) = transactions { access } else { nil }
    }

    package var needsPlace: Bool { application == nil }

    package var library: String { "PostgreSQL (libpq \(PostgreSQLAddress.libraryVersion))" }

    package func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore {
        let address = address(place)
        var access = application
        if case .connections(let limit, let type) = transactions, role == .process {
            access = ApplicationAccess(
                try ConnectionPool(address, limit: limit, lockTimeout: settings.lockTimeout), as: type,
                isStores: true)
        }
        return try PostgreSQLTaskStore(address: address, role: role, settings: settings, application: access)
    }

    package func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? {
        throw TaskStoreError(
            .refused, try PostgreSQLAddress(address(place)).place,
            "PostgreSQL's own programs restore its databases",
            advice: "stop every server of it, and run pg_restore")
    }

    /// A statement that locks the preparation of the application's tables until its transaction ends.
    package static let preparationLock =
        "SELECT pg_advisory_xact_lock(\(StoreSchema.LockClass.preparation), 0)::text"

    /// Whether a text is meant as an address of PostgreSQL, and not as a file's path.
    package static func matches(_ place: String) -> Bool { PostgreSQLAddress.matches(place) }

    package func problem(ofPlace place: String) -> String? {
        Self.matches(place)
            ? nil : "expected an address of PostgreSQL such as postgresql://user@host/database"
    }

    package func migrate(_ place: String) throws(TaskStoreError) -> [String] {
        try withMigration(of: address(place)) { try $0.apply() }
    }

    package func pendingMigrations(of place: String) throws(TaskStoreError) -> String {
        try withMigration(of: address(place)) { try $0.text() }
    }

    /// The address of the database: the place, unless the application's code names it.
    private func address(_ place: String) -> String { application?.pool.address.text ?? place }

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
