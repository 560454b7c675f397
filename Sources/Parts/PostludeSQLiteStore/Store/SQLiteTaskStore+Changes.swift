internal import GRDB
package import PostludeTaskStore

extension SQLiteTaskStore {
    package func summaries(of numbers: [Int64]) throws(TaskStoreError) -> [RecordSummary] {
        try read { try $0.summaries(Self.numbered, [Self.json(numbers)]) }
    }

    package func summaries(withIDs ids: [RecordID]) throws(TaskStoreError) -> [RecordSummary] {
        let list = ids.map { "\"\($0.text)\"" }.joined(separator: ",")
        return try read { try $0.summaries(Self.identified, ["[\(list)]"]) }
    }

    package func listChanges(for time: Duration) throws(TaskStoreError) {
        guard let owner else { throw refusal("a program that runs no tasks does not follow them") }
        let seconds = max(1, time.components.seconds)
        try write { database in
            try database.run(ChangeSQL.following, [owner, seconds])
            try database.run(ChangeSQL.removingFollowers)
            try database.run(ChangeSQL.removingChanges, [ChangeSQL.limit])
        }
    }

    package func changes(after position: String?) throws(TaskStoreError) -> RecordChanges {
        try read { database in
            let last = try database.number(ChangeSQL.last) ?? 0
            var changes = RecordChanges([], position: "\(last)")
            // A backup that was put back has smaller numbers.
            guard let start = position.flatMap({ Int64($0) }), start < last else { return changes }
            changes.numbers = Set(try database.numbers(ChangeSQL.changed, [start]))
            return changes
        }
    }

    private static let identified = RecordRow.selectingSummaries(
        "WHERE id IN (SELECT value FROM json_each(?))")
    private static let numbered = RecordRow.selectingSummaries("WHERE \(isNumbered)")
}

private enum ChangeSQL {
    /// The number of changes that are kept. A process follows them many times a second.
    static let limit: Int64 = 20_000

    static let following: TaskStoreSQL = """
        INSERT INTO ~follower (owner, until) VALUES (?, CAST(strftime('%s', 'now') AS INTEGER) + ?)
        ON CONFLICT (owner) DO UPDATE SET until = excluded.until
        """
    static let removingFollowers: TaskStoreSQL =
        "DELETE FROM ~follower WHERE until <= CAST(strftime('%s', 'now') AS INTEGER)"
    /// The last change stays, so that no number is used again.
    static let removingChanges: TaskStoreSQL =
        "DELETE FROM ~change WHERE number <= (SELECT max(number) FROM ~change) - ?"
    static let last: TaskStoreSQL = "SELECT max(number) FROM ~change"
    static let changed: TaskStoreSQL = "SELECT record FROM ~change WHERE number > ?"
}
