internal import FoundationEssentials
internal import PostludeSystem
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func cancel(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult] {
        let now = now
        let reason = ActionOrigin.reason(origin)
        return try changeRecords(ids, "cancel", by: origin) { record, session in
            switch record.state {
            // Cancelled by this call, with the record before it.
            case .cancelled where try session.isStopped(record, byOneOf: ids): return .changed
            case .waiting where record.owner == nil, .outgoing:
                // Its row may still have the number of an owner that is dead.
                try session.run(
                    "UPDATE postlude.record SET state = 8, owner = NULL, ended = $1, error = $2 WHERE number = $3",
                    [.integer(now), .text(reason), .integer(record.number)])
                try session.run(
                    "SELECT postlude.stop_after($1, $2, $3, 8)::text",
                    [.id(record.id), .text(StopReason.cancelled.verb), .integer(now)])
                return .changed
            case .waiting, .running:
                try session.run(
                    "INSERT INTO postlude.cancellation (record, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    [.integer(record.number), .text(reason)])
                try session.run("SELECT postlude.note_control()::text")
                return .requested
            case .done, .failed, .expired, .discarded, .published, .cancelled:
                return .refused(in: record.state)
            }
        }
    }

    package func pause(
        _ target: PauseTarget, by origin: ActionOrigin?
    ) throws(TaskStoreError) -> RecordActionResult {
        try check(target)
        let (now, columns) = (now, target.columns)
        return try change("pause", target, by: origin) { session in
            if case .record(let id) = target {
                let state = try session.number(
                    "SELECT state::bigint FROM postlude.record WHERE id = $1", [.id(id)]
                ).flatMap { RecordState(rawValue: $0) }
                guard let state else { return .unknown }
                if state.isOver { return .refused(in: state) }
            }
            let changes = try session.run(
                """
                INSERT INTO postlude.pause (what, name, value, time, who) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (what, name, value) DO UPDATE SET is_over = false, time = $4, who = $5 WHERE pause.is_over
                """,
                [
                    .integer(columns.number), .text(columns.name), .text(columns.value), .integer(now),
                    .text(origin?.who ?? ""),
                ]
            ).changes
            return changes == 1 ? .changed : .refusedAsPaused
        }
    }

    package func resume(
        _ target: PauseTarget, by origin: ActionOrigin?
    ) throws(TaskStoreError) -> RecordActionResult {
        try check(target)
        let columns = target.columns
        return try change("resume", target, by: origin) { session in
            let changes = try session.run(
                """
                UPDATE postlude.pause SET is_over = true WHERE what = $1 AND name = $2 AND value = $3 AND NOT is_over
                """,
                [.integer(columns.number), .text(columns.name), .text(columns.value)]
            ).changes
            return changes == 1 ? .changed : .refusedAsNotPaused
        }
    }

    private func check(_ target: PauseTarget) throws(TaskStoreError) {
        try TaskStoreError.checkText(target.columns.name, at: place)
        try TaskStoreError.checkText(target.columns.value, at: place)
    }

    private func change(
        _ action: String, _ target: PauseTarget, by origin: ActionOrigin?,
        _ change: (Session) throws -> RecordActionResult
    ) throws(TaskStoreError) -> RecordActionResult {
        try self.change { session, _ in
            let result = try change(session)
            if let origin {
                try record(
                    action, origin.target ?? target.description, by: origin,
                    result: RecordedAction.result(of: [result]), in: session)
            }
            guard result == .changed else { return result }
            try session.run("SELECT postlude.note_control()::text")
            try session.run("SELECT pg_notify('postlude', '')::text")
            return result
        }
    }

    package func pauses() throws(TaskStoreError) -> [RecordPause] {
        try read { session in
            let rows = try session.run(
                "SELECT what, name, value, time, who FROM postlude.pause WHERE NOT is_over ORDER BY time, name, value"
            )
            return try (0..<rows.count).compactMap { row in
                guard let target = try rows.pauseTarget(row) else { return nil }
                return RecordPause(
                    target: target, since: Date(milliseconds: try rows.integer(row, 3)),
                    who: try rows.text(row, 4))
            }
        }
    }

    package func control(after stamp: Int64?) throws(TaskStoreError) -> RecordControl? {
        try read { session in
            // Read first: what is read after it is at least as new.
            let current = try session.number("SELECT stamp FROM postlude.control") ?? 0
            guard current != stamp else { return nil }
            var control = RecordControl()
            control.stamp = current
            let pauses = try session.run("SELECT what, name, value FROM postlude.pause WHERE NOT is_over")
            for row in 0..<pauses.count {
                if let target = try pauses.pauseTarget(row) { control.paused.insert(target) }
            }
            let cancelled = try session.run(
                """
                SELECT r.id::text, c.reason FROM postlude.cancellation c JOIN postlude.record r ON r.number = c.record
                """)
            for row in 0..<cancelled.count {
                guard let id = RecordID(try cancelled.text(row, 0)) else { continue }
                control.cancelled[id] = try cancelled.text(row, 1)
            }
            return control
        }
    }

    // MARK: The record of actions

    /// Records an action, and removes the oldest one.
    func record(
        _ action: String, _ target: String, by origin: ActionOrigin, result: String, in session: Session
    ) throws(PostgreSQLError) {
        let number = try session.number(
            """
            INSERT INTO postlude.action (time, who, action, target, result) VALUES ($1, $2, $3, $4, $5) RETURNING number
            """,
            [.integer(now), .text(origin.who), .text(action), .text(target), .text(result)])
        try session.run(
            "DELETE FROM postlude.action WHERE number <= $1",
            [.integer((number ?? 0) - Int64(RecordedAction.limit))])
    }

    package func actions(before number: Int64?, limit: Int) throws(TaskStoreError) -> [RecordedAction] {
        try read { session in
            let rows = try session.run(
                """
                SELECT number, time, who, action, target, result FROM postlude.action WHERE number < $1
                ORDER BY number DESC LIMIT $2
                """,
                [.integer(number ?? .max), .integer(Int64(max(0, limit)))])
            return try (0..<rows.count).map { row in
                RecordedAction(
                    number: try rows.integer(row, 0), time: Date(milliseconds: try rows.integer(row, 1)),
                    who: try rows.text(row, 2), action: try rows.text(row, 3),
                    target: try rows.text(row, 4), result: try rows.text(row, 5))
            }
        }
    }
}

extension Rows {
    /// Returns the pause in the first three columns; nil if it is of a kind that this program does not know.
    fileprivate func pauseTarget(_ row: Int) throws(PostgreSQLError) -> PauseTarget? {
        PauseTarget(number: try integer(row, 0), name: try text(row, 1), value: try text(row, 2))
    }
}
