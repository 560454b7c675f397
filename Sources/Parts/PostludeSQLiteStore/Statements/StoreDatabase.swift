internal import GRDB
internal import GRDBSQLite
internal import PostludeTaskStore

// GRDB has a Record, too.
internal import struct PostludeTaskStore.Record

/// A connection to the database of a task store, with the names of its tables.
struct StoreDatabase {
    let connection: Database
    let names: TableNames

    init(_ connection: Database, _ names: TableNames) {
        self.connection = connection
        self.names = names
    }

    /// The number of rows that the last statement has changed.
    var changesCount: Int { connection.changesCount }
    var lastInsertedRowID: Int64 { connection.lastInsertedRowID }

    func run(_ sql: TaskStoreSQL, _ values: [any StatementValue] = []) throws {
        try connection.run(sql.text(names), values)
    }

    /// Runs statements within the transaction: if `body` throws, what it has changed is undone, and nothing else.
    func atomically(_ body: () throws -> Void) throws {
        try connection.run("SAVEPOINT part")
        do {
            try body()
            try connection.run("RELEASE part")
        } catch {
            // An error such as a full disk has ended the whole transaction already.
            if connection.isInsideTransaction {
                try connection.run("ROLLBACK TO part")
                try connection.run("RELEASE part")
            }
            throw error
        }
    }

    /// Returns the first column of the first row; nil if there is no row, or if it is NULL.
    func number(_ sql: TaskStoreSQL, _ values: [any StatementValue] = []) throws -> Int64? {
        try connection.number(sql.text(names), values)
    }

    /// Returns the first column of each row, in which it is not NULL.
    func numbers(_ sql: TaskStoreSQL, _ values: [any StatementValue] = []) throws -> [Int64] {
        try connection.numbers(sql.text(names), values)
    }

    /// Returns the first column of each row, which is text.
    func texts(_ sql: TaskStoreSQL, _ arguments: StatementArguments = StatementArguments()) throws -> [String]
    {
        try String.fetchAll(try statement(sql), arguments: arguments)
    }

    /// Returns the first column of the first row, which is text; nil if there is no row, or if it is NULL.
    func text(_ sql: TaskStoreSQL, _ arguments: StatementArguments = StatementArguments()) throws -> String? {
        try String.fetchOne(try statement(sql), arguments: arguments)
    }

    /// Returns a statement that is prepared once for each connection.
    func statement(_ sql: TaskStoreSQL) throws -> Statement {
        try connection.cachedStatement(sql: sql.text(names))
    }

    /// - Parameter sql: made by `RecordRow.selecting`.
    func records(_ sql: TaskStoreSQL, _ arguments: StatementArguments = StatementArguments()) throws
        -> [Record]
    {
        let rows = try Row.fetchCursor(try statement(sql), arguments: arguments)
        var records: [Record] = []
        while let row = try rows.next() { records.append(try RecordRow(row).record()) }
        return records
    }

    /// Returns records without payloads and results.
    ///
    /// - Parameter sql: made by `RecordRow.selectingSummaries`.
    func summaries(
        _ sql: TaskStoreSQL, _ arguments: StatementArguments = StatementArguments()
    ) throws -> [RecordSummary] {
        let rows = try Row.fetchCursor(try statement(sql), arguments: arguments)
        var records: [RecordSummary] = []
        while let row = try rows.next() { records.append(try RecordRow(row).summary()) }
        return records
    }
}
