import FoundationEssentials
import GRDB
import PostludeExampleStorage

/// The accesses of the last days.
struct AccessLog: Sendable {
    /// How long an access is kept, in seconds, and how many are kept at most.
    static let retention = (seconds: 7.0 * 86_400, rows: Int64(100_000))

    let database: AccessDatabase

    /// Adds an access. Deletes accesses over the age limit or the row limit in the same transaction, so that
    /// both limits hold at all times.
    func add(_ access: Access) throws {
        try database.open().write { database in
            try access.insert(database)
            let newest = database.lastInsertedRowID
            try database.execute(
                sql: "DELETE FROM access WHERE id <= ?", arguments: [newest - Self.retention.rows])
            try database.execute(
                sql: "DELETE FROM access WHERE time < ?",
                arguments: [access.time.addingTimeInterval(-Self.retention.seconds).milliseconds])
        }
    }

    /// - Returns: the accesses, newest first.
    func latest(_ count: Int) throws -> [Access] {
        try database.open().read { database in
            try Access.order(Column("id").desc).limit(count).fetchAll(database)
        }
    }

    /// The sixty minutes up to and including the minute of `now`.
    func lastHour(at now: Date = Date()) throws -> HourStatistics {
        let last = now.milliseconds / 60_000
        let first = last - 59
        let counted = try database.open().read { database in
            try CountedMinute.fetchAll(
                database,
                sql: """
                    SELECT time / 60000 AS number, COUNT(*) AS requests, SUM(status >= 400) AS errors,
                           SUM(milliseconds) AS milliseconds
                    FROM access WHERE time >= ? AND time < ? GROUP BY number
                    """, arguments: [first * 60_000, (last + 1) * 60_000])
        }
        let byNumber = Dictionary(counted.map { ($0.number, $0) }) { first, _ in first }
        return HourStatistics(
            minutes: (first...last).map { number in
                let counted = byNumber[number]
                return MinuteStatistics(
                    start: Date(timeIntervalSince1970: Double(number) * 60),
                    requests: counted?.requests ?? 0, errors: counted?.errors ?? 0,
                    milliseconds: counted?.milliseconds ?? 0)
            })
    }
}

private struct CountedMinute: Decodable, FetchableRecord {
    /// Minutes since 1970.
    var number: Int64
    var requests: Int
    var errors: Int
    var milliseconds: Double
}

extension Date {
    /// Seconds since 1970; the earliest or latest number for a date outside the range.
    fileprivate var milliseconds: Int64 {
        Int64(exactly: (timeIntervalSince1970 * 1000).rounded(.down))
            ?? (timeIntervalSince1970 < 0 ? .min : .max)
    }
}
