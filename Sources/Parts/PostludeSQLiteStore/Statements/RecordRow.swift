internal import FoundationEssentials
internal import GRDB
internal import PostludeTaskStore

// GRDB has a Record, too.
internal import struct PostludeTaskStore.Record

/// A row of the table `record`, read column by column. An invalid value is an error, not a trap.
struct RecordRow {
    private static let summaryColumns: TaskStoreSQL = """
        number, id, request, position, name, priority, state, added, due, expires, unique_key, owner, attempts, started, \
        ended, (SELECT name FROM ~queue WHERE ~queue.number = ~record.queue), error, \
        route, (SELECT deaths FROM ~suspect WHERE ~suspect.record = ~record.number),
        (SELECT progress FROM ~progress WHERE ~progress.record = ~record.number), limit_key
        """
    /// The payload and the result are read as bytes, so that no text is validated or copied.
    private static let columns: TaskStoreSQL = """
        \(summaryColumns), CAST(payload AS BLOB), CAST(result AS BLOB), stops, stopped_by, shape
        """

    /// Returns the statement that selects records.
    ///
    /// - Parameter rest: what follows the table's name.
    static func selecting(_ rest: TaskStoreSQL) -> TaskStoreSQL { "SELECT \(columns) FROM ~record \(rest)" }

    /// Returns the statement that selects records without their payloads and results.
    static func selectingSummaries(_ rest: TaskStoreSQL) -> TaskStoreSQL {
        "SELECT \(summaryColumns) FROM ~record \(rest)"
    }

    static let withID = selecting("WHERE id = ?")
    static let summaryWithID = selectingSummaries("WHERE id = ?")

    private let row: Row

    init(_ row: Row) { self.row = row }

    func summary() throws -> RecordSummary {
        guard let id = RecordID(try value(1)), let priority = RecordPriority(rawValue: try value(5)),
            let state = RecordState(rawValue: try value(6))
        else { throw corruption("id, priority or state") }
        let due: Int64 = try value(8)
        var summary = RecordSummary(
            number: try value(0), id: id, request: try value(2), position: try value(3), name: try value(4),
            priority: priority, state: state, added: try time(7), due: PausedDue.date(due),
            expires: try optionalTime(9),
            uniqueKey: try optional(10), owner: try optional(11), attempts: try value(12),
            started: try optionalTime(13), ended: try optionalTime(14), queue: try optional(15),
            error: try optional(16), route: try value(17), deaths: try optional(18) ?? 0,
            progress: try progress())
        summary.isPaused = state == .waiting && due >= PausedDue.offset
        summary.limitKey = try optional(20)
        return summary
    }

    private func progress() throws -> RecordProgress? {
        let text: String? = try optional(19)
        return text.flatMap { RecordProgress($0) }
    }

    func record() throws -> Record {
        let (stops, stoppedBy): (Int64, String?) = (try value(23), try optional(24))
        var record = Record(
            summary: try summary(), payload: try value(21), result: try optional(22),
            stopsOnFailure: stops == 1, stoppedBy: stoppedBy.flatMap(RecordID.init))
        record.shape = try optional(25)
        return record
    }

    private func value<Value: DatabaseValueConvertible>(_ column: Int) throws -> Value {
        guard let value: Value = try optional(column) else { throw corruption("column \(column)") }
        return value
    }

    private func optional<Value: DatabaseValueConvertible>(_ column: Int) throws -> Value? {
        let stored: DatabaseValue = row[column]
        guard !stored.isNull else { return nil }
        guard let value = Value.fromDatabaseValue(stored) else { throw corruption("column \(column)") }
        return value
    }

    private func time(_ column: Int) throws -> Date { Date(milliseconds: try value(column)) }

    private func optionalTime(_ column: Int) throws -> Date? {
        let milliseconds: Int64? = try optional(column)
        return milliseconds.map(Date.init(milliseconds:))
    }

    private func corruption(_ what: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a record whose \(what) cannot be")
    }
}
