package import FoundationEssentials
internal import GRDB
package import PostludeTaskStore

extension SQLiteTaskStore {
    package func register(_ shapes: [RecordShape]) throws(TaskStoreError) {
        for shape in shapes { try TaskStoreError.checkText(shape.name, at: path) }
        var numbers = try read { try Self.numbers(of: shapes, in: $0) }
        if numbers.count < Set(shapes).count {
            numbers = try write { database in
                for shape in shapes {
                    try database.run(Self.insertingShape, [shape.name, shape.version, shape.structure])
                }
                return try Self.numbers(of: shapes, in: database)
            }
        }
        let unreadable = try read { try $0.numbers(Self.unreadableShapes) }
        let own = unreadable.filter(Set(numbers.values).contains)
        if !own.isEmpty {
            try write { database in for number in own { try database.run(Self.unnoting, [number]) } }
        }
        self.shapes.set(numbers)
    }

    package func shape(_ number: Int64) throws(TaskStoreError) -> RecordShape? {
        try read { database in
            guard
                let row = try Row.fetchOne(
                    try database.statement(Self.shapeWithNumber), arguments: [number])
            else { return nil }
            guard let name = String.fromDatabaseValue(row[0]), let version = Int.fromDatabaseValue(row[1]),
                let structure = String.fromDatabaseValue(row[2])
            else { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a shape that cannot be") }
            return RecordShape(name: name, version: version, structure: structure)
        }
    }

    package func noteUnreadable(_ shape: Int64) {
        let now = now
        writeLater { try $0.run(Self.notingUnreadable, [now, shape]) }
    }

    package func unreadable(
        dueBefore due: Date, notedBefore noted: Date
    ) throws(TaskStoreError) -> [String: Int] {
        try read { database in
            let rows = try Row.fetchCursor(
                try database.statement(Self.countingUnreadable),
                arguments: [noted.milliseconds, due.milliseconds])
            var counts: [String: Int] = [:]
            while let row = try rows.next() {
                guard let name = String.fromDatabaseValue(row[0]), let count = Int.fromDatabaseValue(row[1])
                else { continue }
                counts[name] = count
            }
            return counts
        }
    }

    private static let unreadableShapes: TaskStoreSQL =
        "SELECT number FROM ~shape WHERE unreadable IS NOT NULL"
    private static let unnoting: TaskStoreSQL = "UPDATE ~shape SET unreadable = NULL WHERE number = ?"
    private static let notingUnreadable: TaskStoreSQL =
        "UPDATE ~shape SET unreadable = ? WHERE number = ? AND unreadable IS NULL"
    static let countingUnreadable: TaskStoreSQL = """
        SELECT ~record.name, count(*)
        FROM ~shape CROSS JOIN ~record INDEXED BY ~record_name ON ~record.name = ~shape.name AND ~record.state = 0
        WHERE ~shape.unreadable < ? AND ~record.shape = ~shape.number AND ~record.owner IS NULL AND ~record.due < ?
        GROUP BY ~record.name
        """

    /// Returns the numbers of those shapes that are stored.
    private static func numbers(
        of shapes: [RecordShape], in database: StoreDatabase
    ) throws -> [RecordShape: Int64] {
        var numbers: [RecordShape: Int64] = [:]
        for shape in shapes {
            numbers[shape] = try database.number(
                numberOfShape, [shape.name, shape.version, shape.structure])
        }
        return numbers
    }

    private static let numberOfShape: TaskStoreSQL =
        "SELECT number FROM ~shape WHERE name = ? AND version = ? AND structure = ?"
    private static let insertingShape: TaskStoreSQL =
        "INSERT OR IGNORE INTO ~shape (name, version, structure) VALUES (?, ?, ?)"
    private static let shapeWithNumber: TaskStoreSQL =
        "SELECT name, version, structure FROM ~shape WHERE number = ?"
}
