internal import GRDB
internal import PostludeTaskStore

/// The list of the numbers of records that a filter matches. However rare they are, it reads at most a page from each part of
/// the index by name that can have them.
struct NumberListing {
    private let filter: RecordFilter
    private let order: ListingOrder

    init(_ filter: RecordFilter, order: ListingOrder) {
        self.filter = filter
        self.order = order
    }

    /// - Parameters:
    ///   - after: the last number of the previous page, or the order's `start`.
    ///   - limit: the maximum count of numbers.
    func numbers(after: Int64, limit: Int, in database: StoreDatabase) throws -> [Int64] {
        guard filter != RecordFilter() else {
            return try database.numbers(order == .newestFirst ? Self.allBackwards : Self.all, [after, limit])
        }
        let names = try filter.name.map { [$0] } ?? RecordNames.all(in: database)
        let part = order == .newestFirst ? Self.partBackwards : Self.part
        var numbers: [Int64] = []
        for name in names {
            for state in RecordState.allCases where filter.states?.contains(state) ?? true {
                for priority in RecordPriority.allCases where priority == filter.priority ?? priority {
                    numbers += try database.numbers(
                        part, [name, state.rawValue, priority.rawValue, after, limit])
                }
            }
        }
        numbers.sort { order == .newestFirst ? $0 > $1 : $0 < $1 }
        return Array(numbers.prefix(limit))
    }

    static let all: TaskStoreSQL = "SELECT number FROM ~record WHERE \(page)"
    static let allBackwards: TaskStoreSQL = "SELECT number FROM ~record WHERE \(pageBackwards)"
    static let part: TaskStoreSQL = "\(ofName) AND \(page)"
    static let partBackwards: TaskStoreSQL = "\(ofName) AND \(pageBackwards)"

    private static let ofName: TaskStoreSQL = """
        SELECT number FROM ~record INDEXED BY ~record_name WHERE name = ? AND state = ? AND priority = ?
        """
    private static let page: TaskStoreSQL = "number > ? ORDER BY number LIMIT ?"
    private static let pageBackwards: TaskStoreSQL = "number < ? ORDER BY number DESC LIMIT ?"
}

/// The names of all records.
enum RecordNames {
    /// A table `kind` with the names. It takes one step in the index for each name, however many records have it.
    static let table: TaskStoreSQL = """
        WITH RECURSIVE kind(name) AS (
            SELECT min(name) FROM ~record
            UNION ALL
            SELECT (SELECT min(name) FROM ~record WHERE name > kind.name) FROM kind WHERE kind.name IS NOT NULL
        )
        """
    static let list: TaskStoreSQL = "\(table) SELECT name FROM kind WHERE name IS NOT NULL"

    static func all(in database: StoreDatabase) throws -> [String] {
        try database.texts(list)
    }
}
