internal import FoundationEssentials
internal import GRDB

extension Journal {
    // Nobody waits for these: they go with the next transaction. What a crash loses of them happens again.

    /// An attempt of a record begins.
    package func started(_ id: RecordID) {
        let now = now
        writer.note { database in
            try database.run(
                """
                UPDATE record SET state = 1, attempts = attempts + 1, started = ? WHERE id = ? AND state IN (0, 1)
                """,
                [now, id.text])
        }
    }

    /// An attempt of a record has ended, or there will be none.
    package func ended(_ id: RecordID, _ end: RecordEnd) {
        let now = now
        writer.note { try Self.end(id, end, at: now, in: $0) }
    }

    /// Ends a record unless it is over already.
    static func end(_ id: RecordID, _ end: RecordEnd, at now: Int64, in database: Database) throws {
        switch end {
        case .done(let result):
            try database.run(
                """
                UPDATE record SET state = 2, owner = NULL, ended = ?, error = NULL, result = CAST(? AS TEXT)
                WHERE id = ? AND state IN (0, 1, 6)
                """,
                [now, result, id.text])
        case .again(let error, let time):
            try database.run(
                "UPDATE record SET state = 0, owner = NULL, due = ?, error = ? WHERE id = ? AND state IN (0, 1)",
                [time.milliseconds, error, id.text])
        case .retrying(let error):
            try database.run(
                "UPDATE record SET state = 0, error = ? WHERE id = ? AND state = 1", [error, id.text])
        case .failed(let error): try close(id, .failed, error, at: now, in: database)
        case .expired: try close(id, .expired, nil, at: now, in: database)
        case .discarded: try close(id, .discarded, nil, at: now, in: database)
        case .moved(let queue, let reason):
            let number = try QueueTable.number(of: queue, in: database)
            // Its place in the queue is by its number: before what was added later.
            try database.run(
                """
                UPDATE record SET state = 6, owner = NULL, queue = ?, error = coalesce(?, error)
                WHERE id = ? AND state IN (0, 1)
                """,
                [number, reason, id.text])
        case .left:
            try database.run(
                "UPDATE record SET state = 0, owner = NULL WHERE id = ? AND state IN (0, 1)", [id.text])
        }
    }

    private static func close(
        _ id: RecordID, _ state: RecordState, _ error: String?, at now: Int64, in database: Database
    ) throws {
        try database.run(
            """
            UPDATE record SET state = ?, owner = NULL, ended = ?, error = coalesce(?, error)
            WHERE id = ? AND state IN (0, 1, 6)
            """,
            [state.rawValue, now, error, id.text])
    }
}
