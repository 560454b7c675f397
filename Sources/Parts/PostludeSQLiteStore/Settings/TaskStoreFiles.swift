internal import GRDB
internal import GRDBSQLite
internal import PostludeSystem
internal import PostludeTaskStore

/// The files of an open task store. SQLite continues to write to files that were removed or renamed. Those writes are lost when
/// the last process closes them.
struct TaskStoreFiles: Sendable {
    private let path: String
    private let parts: [(path: String, identity: FileIdentity)]

    /// - Throws: an error if one of them does not exist.
    init(open path: String) throws(TaskStoreError) {
        self.path = path
        var parts: [(path: String, identity: FileIdentity)] = []
        for part in [path, path + "-wal", path + "-shm"] {
            guard let identity = FileIdentity(path: part) else { throw Self.moved(part, of: path) }
            parts.append((part, identity))
        }
        self.parts = parts
    }

    /// - Throws: an error if they are not at their paths any more.
    func check() throws(TaskStoreError) {
        for part in parts where FileIdentity(path: part.path) != part.identity {
            throw Self.moved(part.path, of: path)
        }
    }

    /// Keeps SQLite from removing the files at these paths when it closes its own: they may belong to another task store.
    static func keep(of database: Database) {
        var keepsWAL: CInt = 1
        sqlite3_file_control(database.sqliteConnection, "main", SQLITE_FCNTL_PERSIST_WAL, &keepsWAL)
    }

    /// Returns the identities of the file and its WAL, as the lock file contains them.
    static func text(of path: String) -> String {
        [path, path + "-wal"].map { FileIdentity(path: $0)?.description ?? "-" }.joined(separator: " ")
    }

    static func moved(_ part: String, of path: String) -> TaskStoreError {
        TaskStoreError(
            .moved, path, "\(part) has been removed or replaced while a process has it open",
            advice: "put it back, or stop every server that has it open and start again")
    }
}
