internal import FoundationEssentials
internal import PostludeSystem
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    // The caller does not wait for these changes: they are written with the next transaction. If a crash loses one, the attempt
    // is made again. Each of them may be written twice, if the connection is lost during a commit.

    package func started(_ id: RecordID) {
        let beginning = Beginning(at: now)
        updateRunning { running throws(SystemError) in try running.begin(id) }
        let isTakenOver = held.withLock { held in
            held.beginnings[id] = beginning
            return held.takenOver.contains(id)
        }
        let statements: @Sendable (WriteContext) -> [Statement] = { context in
            guard beginning.take() else { return [] }
            return [
                Statement(
                    Self.start,
                    [.id(id), .integer(beginning.time), .integer(context.owner), .boolean(context.isLenient)])
            ]
        }
        guard isTakenOver else { return writeLater(statements) }
        // A process has died that had the record, and this one may be next: on another machine, only the server tells of it.
        do {
            try write(PendingWrite<Void>(statements, { _ in }))
        } catch {
            settings.report(error)
            writeLater(statements)
        }
    }

    package func ended(_ id: RecordID, _ end: RecordEnd) {
        let now = now
        held.withLock { held in
            var start: Int64?
            if let beginning = held.beginnings.removeValue(forKey: id), case .done = end, beginning.join() {
                start = beginning.time
            }
            if !end.isKept { held.remove(id) }
            writeLater { [start, shapes] in Self.end(id, end, since: start, at: now, shapes: shapes, $0) }
        }
        noteFreePlace(of: id, end)
        updateRunning { running throws(SystemError) in try running.end(id) }
    }

    package func blame(_ id: RecordID) {
        updateRunning { running throws(SystemError) in try running.blame(id) }
        writeLater { context in
            let sql = "UPDATE postlude.record SET is_endless = true WHERE id = $1 AND owner = $2"
            return [Statement(sql, [.id(id), .integer(context.owner)])]
        }
    }

    package func stop() {
        updateRunning { running throws(SystemError) in try running.stop() }
        writeLater { context in
            let sql = "UPDATE postlude.owner SET is_stopping = true WHERE number = $1 AND NOT is_stopping"
            return [Statement(sql, [.integer(context.owner)])]
        }
    }

    /// Returns the statements that end a record, unless it is over already, or another owner's.
    ///
    /// - Parameters:
    ///   - start: when the attempt of a record that is done began, if that was not written; otherwise nil.
    ///   - shapes: the numbers of shapes, for the records that are added by one that is done.
    static func end(
        _ id: RecordID, _ end: RecordEnd, since start: Int64? = nil, at now: Int64,
        shapes: ShapeNumbers = ShapeNumbers(),
        _ context: WriteContext
    ) -> [Statement] {
        let (owner, lenient) = (
            StatementValue.integer(context.owner), StatementValue.boolean(context.isLenient)
        )
        func close(
            _ state: RecordState, _ error: String?, by blocker: RecordID? = nil,
            stopping others: RecordState = .failed
        ) -> [Statement] {
            let reason: StopReason =
                switch state {
                case .expired: .expired
                case .discarded: .discarded
                case .cancelled: .cancelled
                default: .failed
                }
            return [
                Statement(
                    "SELECT postlude.close($1, $2, $3, $4, $5, $6, $7, $8, $9)::text",
                    [
                        owner, lenient, .id(id), .integer(state.rawValue), .text(error), .id(blocker),
                        .text(reason.verb), .integer(now), .integer(others.rawValue),
                    ])
            ]
        }
        switch end {
        case .done(let result, let added?):
            let appending = Appending(separately: added, now: now, shapes: shapes)
            return [
                Statement(
                    Self.finish,
                    [
                        owner, lenient, .id(id), .bytes(result), .integer(start == nil ? 0 : 1),
                        .integer(start),
                    ] + appending.separateValues(context))
            ]
        case .done(let result, nil):
            return [
                Statement(
                    Self.done,
                    [
                        .id(id), .integer(now), .bytes(result), .integer(start == nil ? 0 : 1),
                        .integer(start),
                        owner, lenient,
                    ])
            ]
        case .again(let error, let time):
            return [
                Statement(Self.again, [.id(id), .integer(time.milliseconds), .text(error), owner, lenient])
            ]
        case .retrying(let error):
            return [Statement(Self.retrying, [.id(id), .text(error), owner, lenient])]
        case .failed(let error): return close(.failed, error)
        case .stopped(let blocker, let error): return close(.failed, error, by: blocker)
        case .expired: return close(.expired, nil)
        case .discarded: return close(.discarded, nil)
        case .cancelled(let reason):
            return close(.cancelled, reason, stopping: .cancelled) + [
                Statement("SELECT postlude.forget_cancellation($1)::text", [.id(id)])
            ]
        case .abandoned(let error): return close(.discarded, error, stopping: .discarded)
        case .postponed(let time, let isKept):
            return [
                Statement(
                    Self.postponed,
                    [.id(id), .boolean(isKept), .integer(time.milliseconds), owner, lenient])
            ]
        case .moved(let queue, let reason):
            // Records are published in the order of their numbers: it comes before those that were added later.
            return [
                Statement(
                    "SELECT postlude.move($1, $2, $3, $4, $5, $6, $7)::text",
                    [
                        owner, lenient, .id(id), .text(queue), .text(reason),
                        .text(StopReason.moved(queue: queue).verb), .integer(now),
                    ])
            ]
        case .released: return [Statement(Self.released, [.id(id), owner, lenient])]
        case .unreadable(let error, let time):
            return [
                Statement(
                    Self.unreadable, [.id(id), .integer(time.milliseconds), .text(error), owner, lenient])
            ]
        }
    }

    private static let start = """
        UPDATE postlude.record SET state = 1, attempts = attempts + 1, started = $2, is_endless = false
        WHERE id = $1 AND state IN (0, 1) AND (owner = $3 OR (owner IS NULL AND $4))
            AND NOT (state = 1 AND started IS NOT DISTINCT FROM $2)
        """
    private static let done = """
        UPDATE postlude.record SET state = 2, owner = NULL, ended = $2, error = NULL, result = $3,
            attempts = attempts + $4, started = coalesce($5, started)
        WHERE id = $1 AND state IN (0, 1, 6) AND (owner = $6 OR (owner IS NULL AND ($7 OR state = 6)))
        """
    private static let finish = """
        SELECT postlude.finish($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
            $20, $21, $22)::text
        """
    private static let again = """
        UPDATE postlude.record SET state = 0, owner = NULL, due = $2, error = $3
        WHERE id = $1 AND state IN (0, 1) AND (owner = $4 OR (owner IS NULL AND $5))
        """
    private static let unreadable = """
        UPDATE postlude.record SET state = 0, owner = NULL, due = $2, error = $3,
            attempts = greatest(0, attempts - (state = 1)::integer)
        WHERE id = $1 AND state IN (0, 1) AND (owner = $4 OR (owner IS NULL AND $5))
        """
    private static let retrying = """
        UPDATE postlude.record SET state = 0, error = $2
        WHERE id = $1 AND state = 1 AND (owner = $3 OR (owner IS NULL AND $4))
        """
    private static let postponed = """
        UPDATE postlude.record SET state = 0, owner = CASE WHEN $2 THEN owner END, due = $3, expires = NULL,
            attempts = greatest(0, attempts - (state = 1)::integer)
        WHERE id = $1 AND state IN (0, 1) AND (owner = $4 OR (owner IS NULL AND $5))
        """
    private static let released = """
        UPDATE postlude.record SET state = 0, owner = NULL, attempts = greatest(0, attempts - (state = 1)::integer)
        WHERE id = $1 AND state IN (0, 1) AND (owner = $2 OR (owner IS NULL AND $3))
        """
}

extension Session {
    /// Ends a record that has no owner.
    func endUnowned(_ id: RecordID, _ end: RecordEnd, at now: Int64) throws(PostgreSQLError) {
        let context = WriteContext(owner: nil, generation: 0)
        for statement in PostgreSQLTaskStore.end(id, end, at: now, context) { _ = try run(statement) }
    }
}
