internal import FoundationEssentials
internal import GRDB
internal import Glibc
internal import PostludeSystem
package import PostludeTaskStore

/// Opens task stores in the application's own SQLite database, whose path the manifest names.
package struct SQLitePathDriver: RecordStoreDriver {
    package init() {}

    package var library: String { SQLiteVersion.library }
    package var connection: Any.Type? { Database.self }

    package func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore {
        try driver(place, role, within: settings.lockTimeout).open("", role: role, settings: settings)
    }

    package func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? {
        throw TaskStoreError(
            .refused, place, "the tasks are in the application's database",
            advice: "restore that, while no process has it open")
    }

    package func migrate(_ place: String) throws(TaskStoreError) -> [String] {
        try driver(place, .process, within: TaskStoreSettings().lockTimeout).migrate("")
    }

    package func pendingMigrations(of place: String) throws(TaskStoreError) -> String {
        guard FileIdentity(path: place) != nil else {
            return TaskStoreSchema.text(of: TaskStoreSchema.missing(after: []), .prefixed)
        }
        return try driver(place, .visitor, within: TaskStoreSettings().lockTimeout).pendingMigrations(of: "")
    }

    package func readContents(of place: String, _ body: ([RecordContent]) throws -> Bool) throws -> Bool {
        try SQLiteTaskStore.readContents(at: place, .prefixed, body)
    }

    /// Opens the database.
    ///
    /// - Parameter timeout: how long to wait for other connections; also for one that switches the file to WAL mode, for which
    ///   SQLite does not wait itself.
    private func driver(
        _ place: String, _ role: TaskStoreRole, within timeout: Duration
    ) throws(TaskStoreError) -> SQLiteDatabaseDriver {
        let deadline = MonotonicTime.now + timeout
        var configuration = Configuration()
        configuration.busyMode = .timeout(timeout / .seconds(1))
        configuration.label = "application"
        configuration.prepareDatabase { database in
            // The task store makes the checkpoints.
            _ = try Int.fetchOne(database, sql: "PRAGMA wal_autocheckpoint = 0")
        }
        do {
            try make(place, role)
            while true {
                do {
                    return SQLiteDatabaseDriver(try DatabasePool(path: place, configuration: configuration))
                } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && .now < deadline {
                    usleep(10_000)
                }
            }
        } catch {
            throw TaskStoreError(place, error)
        }
    }

    /// Makes the file, which SQLite would make readable for all users. A visitor makes none.
    private func make(_ place: String, _ role: TaskStoreRole) throws {
        guard FileIdentity(path: place) == nil else { return }
        guard role == .process else {
            throw TaskStoreError(
                .missing, place, "there is no such database",
                advice: "start the server, which makes it, or run `tasks migrate`")
        }
        let descriptor = Glibc.open(place, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw TaskStoreError(
                place, system: SystemError("create the file"),
                advice: "create the folder, and let this process's user write to it")
        }
        Glibc.close(descriptor)
    }
}
