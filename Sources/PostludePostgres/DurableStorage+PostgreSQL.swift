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
    /// them. Handlers may take `Transaction<PostgreSQL>`; then the place must be a PostgreSQL database.
    public static var postgreSQL: DurableStorage { postgreSQL(connections: ConnectionPool.defaultLimit) }

    /// As ``postgreSQL``, with another number of connections for transactions.
    ///
    /// - Parameter connections: the largest number of transactions of handlers and tasks that a process has open at once; others wait
    ///   up to the `lock-timeout` of `task-store`.
    public static func postgreSQL(connections: Int) -> DurableStorage {
        DurableStorage(
            PlaceDriver(
                server: PostgreSQLDriver(.connections(limit: connections, as: PostgreSQLConnection.self)),
                file: SQLiteFileDriver(), filesHaveTransactions: false))
    }

    /// The application's own PostgreSQL database, which its code names. The manifest's `task-store` names no `path`.
    ///
    /// ```swift
    /// var taskEngine: TaskEngine? {
    ///     .durable(in: .database(database)) { Charge.self }
    /// }
    /// ```
    ///
    /// The tasks are in a schema of their own, `postlude`. Tests by PostludeTesting use this database, too.
    public static func database(_ database: PostgreSQLDatabase) -> DurableStorage {
        DurableStorage(
            PostgreSQLDriver(
                .application(ApplicationAccess(database.pool, as: PostgreSQLConnection.self))))
    }

    /// The application's database, which the manifest's `task-store` names: the path of an SQLite file, or the address of a
    /// PostgreSQL database.
    ///
    /// ```swift
    /// var taskEngine: TaskEngine? {
    ///     .durable(
    ///         in: .manifestDatabase { connection in
    ///             try connection.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, email TEXT NOT NULL)")
    ///         }
    ///     ) {
    ///         Charge.self
    ///     }
    /// }
    /// ```
    ///
    /// Handlers and tasks use it by `Transaction<ManifestDatabase>`, `Snapshot<ManifestDatabase>` and
    /// `context.transaction(on: ManifestDatabase.self)`. So one program runs with nothing but a file on the developer's machine, and
    /// with PostgreSQL where several machines share their rows and tasks.
    ///
    /// - Parameters:
    ///   - connections: the largest number of connections to PostgreSQL for transactions, for each process.
    ///   - prepare: makes or changes the tables of the application, in a transaction. Each process calls it before its first request,
    ///     one after the other, so that it finds what another one has made.
    public static func manifestDatabase(
        connections: Int = PostgreSQLDatabase.defaultConnections,
        prepare: @escaping @Sendable (any SQLConnection) throws -> Void
    ) -> DurableStorage {
        DurableStorage(
            PreparingDriver(
                driver: PlaceDriver(
                    server: PostgreSQLDriver(.connections(limit: connections, as: PostgreSQLConnection.self)),
                    file: SQLitePathDriver(), filesHaveTransactions: true),
                prepare: prepare))
    }
}

/// Opens an address of PostgreSQL as such, and any other place as a file.
private struct PlaceDriver: RecordStoreDriver {
    let server: PostgreSQLDriver
    let file: any RecordStoreDriver
    let filesHaveTransactions: Bool

    var library: String { "\(server.library), \(file.library)" }
    var connection: Any.Type? { server.connection }

    private func driver(of place: String) -> any RecordStoreDriver {
        PostgreSQLDriver.matches(place) ? server : file
    }

    func problem(ofPlace place: String) -> String? { nil }

    func problem(ofTransactionsAt place: String) -> String? {
        PostgreSQLDriver.matches(place) || filesHaveTransactions
            ? nil
            : "expected an address of PostgreSQL, or the application's storage made by .manifestDatabase"
    }

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

/// Opens a place, and has the application make its tables in it.
private struct PreparingDriver: RecordStoreDriver {
    let driver: PlaceDriver
    let prepare: @Sendable (any SQLConnection) throws -> Void

    var library: String { driver.library }
    var connection: Any.Type? { ManifestDatabase.Connection.self }
    var offlineDriver: (any RecordStoreDriver)? { self }

    func problem(ofPlace place: String) -> String? { driver.problem(ofPlace: place) }

    func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore {
        let store = try driver.open(place, role: role, settings: settings)
        guard role == .process else { return store }
        do {
            try store.transaction(.write) { transaction in
                guard let connection = transaction.handle as? any SQLConnection else {
                    throw PostgreSQLError(message: "the database has no connection")
                }
                // The processes do it one after the other. In SQLite they do, since the transaction writes.
                if connection is PostgreSQLConnection {
                    try connection.execute("\(raw: PostgreSQLDriver.preparationLock)")
                }
                try prepare(connection)
            }
            return store
        } catch {
            try? store.close()
            throw TaskStoreError(preparing: store.place, error)
        }
    }

    func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? {
        try driver.restore(backup, to: place)
    }

    func migrate(_ place: String) throws(TaskStoreError) -> [String] { try driver.migrate(place) }

    func pendingMigrations(of place: String) throws(TaskStoreError) -> String {
        try driver.pendingMigrations(of: place)
    }

    func readContents(of place: String, _ body: ([RecordContent]) throws -> Bool) throws -> Bool {
        try driver.readContents(of: place, body)
    }
}

extension TaskStoreError {
    /// The error of an application that could not make its tables.
    fileprivate init(preparing place: String, _ error: any Error) {
        if let error = error as? TaskStoreError {
            self = error
            return
        }
        let mayPass = (error as? PostgreSQLError)?.failure?.mayPass ?? false
        self.init(
            mayPass ? .system : .refused, place, "the application's tables cannot be prepared: \(error)")
    }
}
