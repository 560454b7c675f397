internal import GRDB

/// A filter of records. nil matches all of them.
package struct RecordFilter: Sendable, Equatable {
    package var states: Set<RecordState>?
    package var name: String?
    package var priority: RecordPriority?

    package init(states: Set<RecordState>? = nil, name: String? = nil, priority: RecordPriority? = nil) {
        self.states = states
        self.name = name
        self.priority = priority
    }
}

/// A page of records.
package struct RecordPage: Sendable {
    package var records: [RecordSummary]
    /// The value of `after` for the next page; nil if there is none.
    package var next: Int64?
}

/// The order in which records are listed.
package enum ListingOrder: String, Sendable {
    case newestFirst = "DESC"
    case oldestFirst = "ASC"

    /// The value of `after` for the first page.
    var start: Int64 { self == .newestFirst ? .max : -1 }
}

/// The statement that lists the numbers of records. However rare the matching ones are, it reads at most a page from each part
/// of an index that can have them. There are at most 24 parts, one for each state and priority.
struct NumberListing {
    /// The statement, with the arguments `:name`, `:after` and `:limit`.
    let sql: String
    private let name: String?

    init(_ filter: RecordFilter, order: ListingOrder) {
        let isBehind = order == .newestFirst ? "number < :after" : "number > :after"
        let end = "ORDER BY number \(order.rawValue) LIMIT :limit"
        name = filter.name
        if filter == RecordFilter() {
            sql = "SELECT number FROM record WHERE \(isBehind) \(end)"
            return
        }
        let index = filter.name == nil ? "record_state" : "record_name"
        let name = filter.name == nil ? "" : "name = :name AND "
        var parts: [String] = []
        for state in RecordState.allCases where filter.states?.contains(state) ?? true {
            for priority in RecordPriority.allCases where priority == filter.priority ?? priority {
                parts.append(
                    """
                    SELECT number FROM (
                        SELECT number FROM record INDEXED BY \(index)
                        WHERE \(name)state = \(state.rawValue) AND priority = \(priority.rawValue) AND \(isBehind) \(end))
                    """)
            }
        }
        let none = "SELECT number FROM record WHERE number < 0 AND \(isBehind)"
        sql = "SELECT number FROM (\(parts.isEmpty ? none : parts.joined(separator: " UNION ALL "))) \(end)"
    }

    func arguments(after: Int64, limit: Int) -> [String: (any DatabaseValueConvertible)?] {
        var arguments: [String: (any DatabaseValueConvertible)?] = ["after": after, "limit": limit]
        if let name { arguments["name"] = name }
        return arguments
    }
}
