public import GRDB
internal import PostludeSQLiteStore
package import PostludeTaskStore

/// Where an application's durable tasks are kept.
public struct DurableStorage: Sendable {
    package let driver: any RecordStoreDriver

    package init(_ driver: any RecordStoreDriver) { self.driver = driver }

    /// A file of their own, which the manifest's `task-store` names.
    public static let file = DurableStorage(SQLiteFileDriver())

    /// The application's own SQLite database, so that one transaction contains rows of the application and durable tasks
    /// (<doc:OneTransaction>).
    ///
    /// The tasks are in tables whose names begin with `postlude_`, which the process makes and migrates when it starts. They have
    /// migrations of their own: the application's `DatabaseMigrator` does not know them, and must not use
    /// `eraseDatabaseOnSchemaChange`, which would erase them.
    ///
    /// When the process starts, the writer gets `PRAGMA synchronous = FULL`, so that its commits are on the disk, and its automatic
    /// checkpoints are turned off: the task store makes the checkpoints.
    ///
    /// - Parameter writer: a `DatabasePool`, or a `DatabaseQueue` in WAL mode, of a file on a disk of this machine. Set its
    ///   configuration's `busyMode`, such as `.timeout(5)`: durable tasks are written by other connections.
    public static func database(_ writer: any DatabaseWriter) -> DurableStorage {
        DurableStorage(SQLiteDatabaseDriver(writer))
    }
}
