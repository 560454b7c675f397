internal import GRDB

/// The brokers' queues that records are for, by number: of each there may be a publisher's lock.
enum QueueTable {
    /// - Returns: its number; it gets one where it has none.
    static func number(of name: String, in database: Database) throws -> Int64 {
        let sql = "SELECT number FROM queue WHERE name = ?"
        if let number = try database.number(sql, [name]) { return number }
        try database.run("INSERT INTO queue (name) VALUES (?)", [name])
        return database.lastInsertedRowID
    }
}
