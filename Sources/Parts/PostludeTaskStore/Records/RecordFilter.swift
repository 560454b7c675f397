package import FoundationEssentials

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

    package init(records: [RecordSummary], next: Int64?) {
        self.records = records
        self.next = next
    }
}

/// The order in which records are listed.
package enum ListingOrder: Sendable {
    case newestFirst, oldestFirst

    /// The value of `after` for the first page.
    package var start: Int64 { self == .newestFirst ? .max : -1 }
}

/// The counts of a task store's records.
package struct TaskStoreCounts: Sendable, Equatable {
    /// For each name, the number of records in each state.
    package var names: [String: [RecordState: Int]] = [:]
    /// For each name with a limit, the number of records that are due and have no owner.
    package var limited: [String: Int] = [:]
    /// The due time of the record that has been due for the longest time and is not over; nil if no record is due.
    package var oldestDue: Date?

    package init() {}

    package subscript(state: RecordState) -> Int { names.values.reduce(0) { $0 + ($1[state] ?? 0) } }
}
