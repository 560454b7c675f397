import FoundationEssentials
import GRDB
import PostludeExampleStorage
import Synchronization

/// The database from which reports are made. It has other files than the exports and their tasks, as the databases that reports
/// read often have.
final class MeasurementsDatabase: Sendable {
    /// The first line of a report.
    static let header = "id,time,station,celsius\n"

    private let path: String
    private let rows: Int
    private let opened = Mutex<SharedDatabase?>(nil)

    /// - Parameter rows: the number of measurements that are made if the file does not exist.
    init(path: String, rows: Int) {
        self.path = path
        self.rows = rows
    }

    /// Opens the database. The first process makes its rows, which takes a second or two.
    @discardableResult
    func open() throws -> SharedDatabase {
        try opened.withLock { opened in
            if let opened { return opened }
            let folder = URL(filePath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let database = try SharedDatabase(path: path, isSynced: true, migrator: migrator)
            opened = database
            return database
        }
    }

    /// Closes the database. No other thread may use it any more.
    func close() throws {
        try opened.withLock { opened in
            try opened?.close()
            opened = nil
        }
    }

    /// The number of the last measurement; 0 if there is none.
    func lastRow() throws -> Int {
        try open().read { try Int.fetchOne($0, sql: "SELECT max(id) FROM measurement") ?? 0 }
    }

    /// Some measurements as lines of CSV.
    struct Chunk {
        var text = ""
        var count = 0
        var lastRow: Int
    }

    /// - Parameters:
    ///   - row: the measurements after this one are returned, in the order of their numbers.
    ///   - last: the last measurement.
    ///   - limit: the largest number of measurements.
    func chunk(after row: Int, through last: Int, limit: Int) throws -> Chunk {
        try open().read { database in
            let end = try Int.fetchOne(
                database,
                sql: """
                    SELECT max(id) FROM (SELECT id FROM measurement WHERE id > ? AND id <= ? ORDER BY id LIMIT ?)
                    """, arguments: [row, last, limit])
            var chunk = Chunk(lastRow: end ?? last)
            // Numbers and times need no quotes.
            let lines = try String.fetchCursor(
                database,
                sql: """
                    SELECT id || ',' || time || ',' || station || ',' || celsius FROM measurement
                    WHERE id > ? AND id <= ? ORDER BY id
                    """, arguments: [row, chunk.lastRow])
            while let line = try lines.next() {
                chunk.text += line + "\n"
                chunk.count += 1
            }
            return chunk
        }
    }

    private var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("measurements") { [rows] database in
            try database.create(table: "measurement") { table in
                table.primaryKey("id", .integer)
                table.column("time", .text).notNull()
                table.column("station", .integer).notNull()
                table.column("celsius", .real).notNull()
            }
            try database.execute(
                sql: """
                    INSERT INTO measurement
                    WITH RECURSIVE number(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM number WHERE id < ?)
                    SELECT id, strftime('%Y-%m-%dT%H:%M:%SZ', 1767225600 + id * 10, 'unixepoch'), id % 200 + 1,
                        (id * 7919 % 400 - 100) / 10.0
                    FROM number
                    """, arguments: [rows])
        }
        return migrator
    }
}
