internal import PostludeSQLiteStore
package import PostludeTaskStore

/// Where durable tasks are kept.
public struct DurableStorage: Sendable {
    /// Opens the task store.
    package let driver: any RecordStoreDriver

    package init(_ driver: any RecordStoreDriver) { self.driver = driver }

    /// An SQLite file of its own, whose path is the manifest's `task-store`. This is the default.
    public static var file: DurableStorage { DurableStorage(SQLiteFileDriver()) }
}
