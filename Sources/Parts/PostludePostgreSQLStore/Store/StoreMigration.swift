internal import PostludeSystem
internal import PostludeTaskStore

/// Brings the tables to the version of this program. Each migration is one transaction, under a lock, so that several processes
/// can begin at once.
struct StoreMigration {
    private let session: Session
    private let place: String

    init(_ session: Session, place: String) {
        self.session = session
        self.place = place
    }

    /// Makes sure that the tables can be used.
    func prepare(role: TaskStoreRole, until deadline: MonotonicTime) throws {
        try checkDatabase()
        let version = try version
        if let version, version > StoreSchema.current { throw newer }
        if version == StoreSchema.current { return }
        guard role == .process || version != nil else {
            throw TaskStoreError(
                .missing, place, "there is no such task store",
                advice: "start the server, or run `tasks migrate`")
        }
        do throws(PostgreSQLError) {
            try apply()
        } catch {
            guard error.state == "42501" else { throw error }
            throw TaskStoreError(
                .notWritable, place,
                "its tables are missing or of an earlier version, and the role may not change them",
                advice:
                    "run `tasks migrate` as a role that may, or `tasks migrate --print` and apply what it prints"
            )
        }
    }

    /// Returns the version of tables that are to be read as they are; nil if there are none.
    func readableVersion() throws -> Int64? {
        let version = try version
        if let version, version > StoreSchema.current { throw newer }
        return version
    }

    private var newer: TaskStoreError {
        TaskStoreError(
            .newer, place, "a later version of this program has changed its tables",
            advice: "run that version, or name another database")
    }

    private func checkDatabase() throws {
        guard session.parameter("server_encoding") == "UTF8" else {
            throw TaskStoreError(
                .refused, place,
                "the database's encoding is \(session.parameter("server_encoding") ?? "unknown")",
                advice: "create a database with the encoding UTF8")
        }
    }

    /// The version of the tables; nil if there are none.
    private var version: Int64? {
        get throws(PostgreSQLError) {
            let isThere = try session.number(
                "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                    + "WHERE n.nspname = 'postlude' AND c.relname = 'migration'")
            guard isThere == 1 else { return nil }
            return try session.number("SELECT max(version) FROM postlude.migration") ?? 0
        }
    }

    /// Returns the migrations that are still to be applied.
    private func missing() throws(PostgreSQLError) -> [StoreSchema.Migration] {
        let version = try version ?? 0
        return StoreSchema.migrations.filter { $0.version > version }
    }

    /// Applies the missing migrations.
    ///
    /// - Returns: their names.
    @discardableResult
    func apply() throws(PostgreSQLError) -> [String] {
        var applied: [String] = []
        while let next = try missing().first {
            do throws(PostgreSQLError) {
                try session.run("BEGIN")
                try session.run("SELECT pg_advisory_xact_lock(\(StoreSchema.LockClass.migration), 0)")
                // Another process may have applied it while this one has waited.
                let version = try version
                if version ?? 0 < next.version {
                    if version == nil { try session.script(StoreSchema.history) }
                    try session.script(StoreSchema.sql(next))
                    applied.append("\(next.version) \(next.name)")
                }
                try session.run("COMMIT")
            } catch {
                session.rollBack()
                throw error
            }
        }
        return applied
    }

    /// Returns the statements that ``apply()`` would run.
    func text() throws(PostgreSQLError) -> String {
        let missing = try missing()
        guard !missing.isEmpty else { return "" }
        let parts = missing.map {
            "-- Migration \($0.version): \($0.name)\nBEGIN;\n\(StoreSchema.sql($0))COMMIT;\n"
        }
        let history = try version == nil ? StoreSchema.history + "\n" : ""
        return history + parts.joined(separator: "\n")
    }
}
