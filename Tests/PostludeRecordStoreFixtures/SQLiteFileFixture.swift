internal import Foundation
internal import GRDB
package import PostludeSQLiteStore
package import PostludeTaskStore

/// A test's own folder with an SQLite file in it.
package final class SQLiteFileFixture: RecordStoreFixture {
    package let folder: String
    package var path: String { folder + "/tasks.sqlite" }
    package let clock = TestClock()
    package let kind = StoreUnderTest.sqliteFile
    package var place: String { path }

    package init(in parent: String = NSTemporaryDirectory()) throws {
        var template = Array("\(parent)/task-store-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        let made = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // The task store has its canonical path.
        guard let real = realpath(made, nil) else { throw CocoaError(.fileNoSuchFile) }
        folder = String(cString: real)
        free(real)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Opens the task store as what it is.
    package func open(
        role: TaskStoreRole = .process, lockTimeout: Duration = .seconds(120),
        _ change: (inout TaskStoreSettings) -> Void = { _ in }
    ) throws -> SQLiteTaskStore {
        try SQLiteTaskStore(
            path: path, role: role, settings: settings(lockTimeout: lockTimeout, change))
    }

    package func die(_ store: any RecordStore) { (store as? SQLiteTaskStore)?.releaseLock() }

    package func owners() throws -> [Int64] {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: path, configuration: configuration).read {
            try Int64.fetchAll($0, sql: "SELECT number FROM owner ORDER BY number")
        }
    }
}
