package import PostludeTaskStore

/// Opens task stores that are SQLite files of their own, by their paths.
package struct SQLiteFileDriver: RecordStoreDriver {
    package init() {}

    package var library: String { SQLiteVersion.library }

    package func open(
        _ place: String, role: TaskStoreRole, settings: TaskStoreSettings
    ) throws(TaskStoreError) -> any RecordStore {
        try SQLiteTaskStore(path: place, role: role, settings: settings)
    }

    package func restore(_ backup: String, to place: String) throws(TaskStoreError) -> String? {
        try SQLiteTaskStore.restore(backup, to: place)
    }
}
