internal import FoundationEssentials
internal import GRDB
internal import PostludeSystem
internal import PostludeTaskStore

extension SQLiteTaskStore {
    /// Reads the records that a program may still have to decode, by a connection of its own, without migrating the tables.
    ///
    /// - Parameter names: those of the tables in a file of their own, or in the application's database.
    /// - Returns: false if there is no task store yet.
    static func readContents(
        at path: String, _ names: TableNames, _ body: ([RecordContent]) throws -> Bool
    ) throws -> Bool {
        guard FileIdentity(path: path) != nil else { return false }
        do {
            let (connection, applied) = try TaskStoreOpening.reading(path, names)
            defer { try? connection.close() }
            guard applied.contains(TaskStoreSchema.first) else { return false }
            return try ContentReading(connection, names, applied).run(body)
        } catch let error where error is DatabaseError || error is SystemError {
            throw TaskStoreError(path, error)
        }
    }
}

/// The reading of the records' contents, page by page.
private struct ContentReading {
    private static let pageSize = 1000

    private let connection: DatabaseQueue
    private let names: TableNames
    private let sql: TaskStoreSQL

    /// - Parameter applied: the names of the migrations that the tables have.
    init(_ connection: DatabaseQueue, _ names: TableNames, _ applied: Set<String>) {
        self.connection = connection
        self.names = names
        let suspects = applied.contains("suspects") ? Self.deaths : "0"
        let shapes = applied.contains("shapes") ? Self.version : "NULL"
        sql = """
            SELECT id, name, queue IS NOT NULL, \(suspects), \(shapes), CAST(payload AS BLOB)
            FROM ~record WHERE \(SQLiteTaskStore.isNumbered)
            """
    }

    func run(_ body: ([RecordContent]) throws -> Bool) throws -> Bool {
        let listing = NumberListing(RecordFilter(states: RecordContent.states), order: .oldestFirst)
        var after = ListingOrder.oldestFirst.start
        while true {
            let numbers = try connection.read { connection in
                try listing.numbers(
                    after: after, limit: Self.pageSize, in: StoreDatabase(connection, names))
            }
            guard let last = numbers.last else { return true }
            let page = try connection.read { try contents(numbers, in: StoreDatabase($0, names)) }
            guard try body(page) else { return true }
            after = last
        }
    }

    private func contents(_ numbers: [Int64], in database: StoreDatabase) throws -> [RecordContent] {
        let rows = try Row.fetchCursor(
            try database.statement(sql), arguments: [SQLiteTaskStore.json(numbers)])
        var contents: [RecordContent] = []
        contents.reserveCapacity(numbers.count)
        while let row = try rows.next() {
            guard let id = String.fromDatabaseValue(row[0]).flatMap(RecordID.init),
                let name = String.fromDatabaseValue(row[1]), let payload = Data.fromDatabaseValue(row[5])
            else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a record that cannot be") }
            contents.append(
                RecordContent(
                    id: id, name: name, isForQueue: Bool.fromDatabaseValue(row[2]) ?? false,
                    deaths: Int.fromDatabaseValue(row[3]) ?? 0, version: Int.fromDatabaseValue(row[4]),
                    payload: payload))
        }
        return contents
    }

    private static let deaths: TaskStoreSQL =
        "(SELECT deaths FROM ~suspect WHERE ~suspect.record = ~record.number)"
    private static let version: TaskStoreSQL =
        "(SELECT version FROM ~shape WHERE ~shape.number = ~record.shape)"
}
