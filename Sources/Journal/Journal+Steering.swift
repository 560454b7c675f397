internal import GRDB
internal import Linux

/// What became of a record that somebody wanted to have changed.
package enum SteeringResult: Sendable, Equatable {
    case changed
    /// There is none with that id.
    case unknown
    /// It is as it was; why.
    case refused(String)
}

extension Journal {
    /// Has records run once more, with all their attempts: dead letters and what is over otherwise. What waits for a
    /// time, such as that of its next attempt, runs at once.
    package func retry(_ ids: [RecordID]) throws(JournalError) -> [SteeringResult] {
        let now = now
        return try steer(ids) { record, database in
            switch record.state {
            case .running, .outgoing: return .refused("it is \(record.state)")
            case .waiting where record.owner != nil: return .refused("a process is about to run it")
            default: break
            }
            if record.state.isOver, let key = record.uniqueKey,
                let other = try database.holder(of: key, name: record.name)
            {
                return .refused("\(other), with the same unique key, is not over")
            }
            // What was for a broker goes to its queue again.
            let state = record.state != .waiting && record.queue != nil ? RecordState.outgoing : .waiting
            try database.run(
                """
                UPDATE record SET state = ?, due = ?, owner = NULL, started = NULL, ended = NULL, result = NULL,
                    expires = CASE WHEN expires <= ? THEN NULL ELSE expires END,
                    attempts = CASE state WHEN 0 THEN attempts ELSE 0 END
                WHERE number = ?
                """,
                [state.rawValue, now, now, record.number])
            return .changed
        }
    }

    /// Closes records that nobody wants any more: what no process has yet, what is to be published, dead letters.
    package func discard(_ ids: [RecordID]) throws(JournalError) -> [SteeringResult] {
        let now = now
        return try steer(ids) { record, database in
            switch record.state {
            case .running, .done, .published, .discarded: return .refused("it is \(record.state)")
            case .waiting where record.owner != nil: return .refused("a process is about to run it")
            default: break
            }
            try database.run(
                "UPDATE record SET state = 5, owner = NULL, ended = ? WHERE number = ?", [now, record.number])
            return .changed
        }
    }

    private func steer(
        _ ids: [RecordID],
        _ change: @escaping @Sendable (RecordSummary, Database) throws -> SteeringResult
    ) throws(JournalError) -> [SteeringResult] {
        return try write { [self] database in
            try ids.map { id in
                guard var record = try database.summaries("WHERE id = ?", [id.text]).first else {
                    return .unknown
                }
                if let owner = record.owner, try !isAlive(owner) {
                    // Nobody runs it any more.
                    record.owner = nil
                    if record.state == .running { record.state = .waiting }
                }
                return try change(record, database)
            }
        }
    }
}
