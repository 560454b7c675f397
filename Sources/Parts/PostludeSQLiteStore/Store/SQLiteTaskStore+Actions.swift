internal import GRDB
internal import PostludeSystem
package import PostludeTaskStore

extension SQLiteTaskStore {
    package func retry(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult] {
        let now = now
        return try changeRecords(ids, "retry", by: origin) { record, database in
            switch record.state {
            case .running, .outgoing: return .refused(in: record.state)
            case .waiting where record.owner != nil: return .refusedAsOwned
            default: break
            }
            if let other = try database.blocker(of: record) {
                return .refused(behind: other)
            }
            let followers = try database.allStopped(by: record.id)
            for record in [record] + followers where record.state.isOver {
                guard let key = record.uniqueKey,
                    let other = try database.holder(of: key, name: record.name)
                else { continue }
                return .refused(asKeyOf: other)
            }
            // A record for a broker goes to the outbox again.
            let state = record.state != .waiting && record.queue != nil ? RecordState.outgoing : .waiting
            try database.run(Self.retrying, [state.rawValue, now, now, record.deaths, record.number])
            try database.run(RecordOrder.forgetDeaths, [record.number])
            try database.forgetCancellation(of: record.id)
            try database.run(Self.forgettingProgress, [record.number])
            // A dead letter continues after its steps.
            if record.state == .done { try database.run(Self.forgettingSteps, [record.number]) }
            try database.run(LimitTables.freeFollower, [record.number])
            try database.run(LimitTables.addKeyOfRecord, [record.number])
            for follower in followers { try database.revive(follower, at: now) }
            return .changed
        }
    }

    package func discard(
        _ ids: [RecordID], by origin: ActionOrigin?
    ) throws(TaskStoreError) -> [RecordActionResult] {
        let now = now
        return try changeRecords(ids, "discard", by: origin) { record, database in
            switch record.state {
            // Discarded by this call, with the record before it.
            case .discarded where try database.isStopped(record, byOneOf: ids): return .changed
            case .running, .done, .published, .discarded, .cancelled: return .refused(in: record.state)
            case .waiting where record.owner != nil: return .refusedAsOwned
            default: break
            }
            try database.run(Self.discarding, [now, record.number])
            try database.run(LimitTables.addKeyOfEnded, [now, record.id.text])
            for follower in try database.allStopped(by: record.id) {
                try database.run(Self.discarding, [now, follower.number])
            }
            try database.stopBehind(record.id, because: .discarded, at: now, state: .discarded)
            return .changed
        }
    }

    /// Changes records, and records that.
    func changeRecords(
        _ ids: [RecordID], _ action: String, by origin: ActionOrigin?,
        _ change: @escaping @Sendable (RecordSummary, StoreDatabase) throws -> RecordActionResult
    ) throws(TaskStoreError) -> [RecordActionResult] {
        let now = now
        return try write { [self] database in
            let numbers = try ids.map { try database.number(Self.numberOf, [$0.text]) ?? 0 }
            var results = [RecordActionResult](repeating: .unknown, count: ids.count)
            // Oldest first: later records may depend on earlier ones.
            for index in ids.indices.sorted(by: { numbers[$0] < numbers[$1] }) {
                guard var record = try database.summaries(RecordRow.summaryWithID, [ids[index].text]).first
                else {
                    continue
                }
                if let owner = record.owner, try !isAlive(owner) {
                    // Its owner is dead, so that it does not run any more.
                    record.owner = nil
                    if record.state == .running { record.state = .waiting }
                }
                results[index] = try change(record, database)
            }
            if let origin {
                try database.record(
                    action, RecordedAction.target(of: ids, origin), by: origin,
                    result: RecordedAction.result(of: results), at: now)
            }
            return results
        }
    }

    private static let retrying: TaskStoreSQL = """
        UPDATE ~record SET state = ?, due = ?, owner = NULL, started = NULL, ended = NULL, result = NULL,
            stopped_by = NULL,
            expires = CASE WHEN expires <= ? THEN NULL ELSE expires END,
            attempts = CASE state WHEN 0 THEN attempts - ? ELSE 0 END
        WHERE number = ?
        """
    private static let discarding: TaskStoreSQL =
        "UPDATE ~record SET state = 5, owner = NULL, ended = ? WHERE number = ?"
    private static let numberOf: TaskStoreSQL = "SELECT number FROM ~record WHERE id = ?"
}
