import Foundation
import GRDB

/// An example's database, opened by another program.
struct SQLiteFile {
    let path: String
    private let folder: TestFolder

    init(_ name: String, in folder: TestFolder) {
        path = folder.file(name)
        self.folder = folder
    }

    /// Runs SQL with the command line tool `sqlite3`.
    ///
    /// - Returns: the lines that it prints, with `|` between columns.
    @discardableResult
    func sqlite3(_ sql: String) throws -> [String] {
        let command = try Command("sqlite3", ["-cmd", ".timeout 5000", path, sql], in: folder)
        guard command.exit == .status(0) else { throw TimedOut(description: "sqlite3: \(command.errors)") }
        return command.output.split(separator: "\n").map(String.init)
    }

    /// Holds the write lock, as another program may, while `body` runs.
    func whileLocked<R>(_ body: () throws -> R) throws -> R {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        return try queue.inDatabase { database in
            try database.execute(sql: "BEGIN IMMEDIATE")
            defer { try? database.execute(sql: "ROLLBACK") }
            return try body()
        }
    }
}
