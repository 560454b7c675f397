internal import PostludeSystem
internal import PostludeTaskStore

/// The records that a task store has in an open transaction of the application.
final class TransactionRecords {
    /// The records of one request that several calls append. They have consecutive numbers.
    private struct Run {
        let request: String
        /// The number of the next record.
        var next: Int64
        /// Whether one of them stops the others on failure.
        var stops: Bool
        /// Whether one of them does, and has a limit.
        var limits = false
    }

    private struct Appended {
        /// The records, and those that stand for them.
        let ids: [RecordID]
        let ended: @Sendable (Set<RecordID>) -> Void
    }

    let store: PostgreSQLTaskStore
    let owner: Int64
    private var run: Run?
    private var appended: [Appended] = []
    /// The records that this process owns if the transaction is committed.
    private var ownIDs: [RecordID] = []
    /// Whether a savepoint was rolled back, and some of the records with it.
    private var wasRolledBack = false

    init(of store: PostgreSQLTaskStore, owner: Int64) {
        self.store = store
        self.owner = owner
    }

    private var context: WriteContext { WriteContext(owner: owner, generation: 0) }

    func noteRollback() { wasRolledBack = true }

    // MARK: Statements

    /// Appends the last records of the transaction, and the answer of their request.
    func append(_ request: NewRequest, in transaction: OpenTransaction) throws -> [AppendResult] {
        let appending = try Appending(request, now: store.now, shapes: store.shapes)
        let results = try results(of: appending, appending.statement(context), in: transaction)
        note(appending, results)
        return results
    }

    /// Appends records after those that the request has in the transaction.
    func append(
        _ request: inout NewRequest, in transaction: OpenTransaction,
        ended: @escaping @Sendable (Set<RecordID>) -> Void
    ) throws -> [AppendResult] {
        var next = try run(of: request.id, in: transaction)
        for index in request.records.indices {
            request.records[index].leavesInTurn = next.stops && request.records[index].queue != nil
            request.records[index].followsLimited = next.limits
            next.stops = next.stops || request.records[index].stopsOnFailure
        }
        let appending = try Appending(request, now: store.now, shapes: store.shapes)
        let results = try results(
            of: appending, appending.statement(context, from: next.next), in: transaction)
        next.next += Int64(results.filter { $0.isAdded }.count)
        next.limits =
            next.limits
            || zip(request.records, results).contains { record, result in
                result.isAdded && record.stopsOnFailure && record.limitKey != nil
            }
        run = next
        note(appending, results)
        appended.append(Appended(ids: results.map(\.id), ended: ended))
        return results
    }

    /// Runs statements of the store, within settings that its functions need, if this owner is alive. It cannot be declared
    /// dead then before the transaction ends.
    ///
    /// - Returns: their results.
    func perform(_ statements: [Statement], in transaction: OpenTransaction) throws -> [Rows] {
        do throws(PostgreSQLError) {
            let all =
                [Statement(Self.enter, [.integer(owner)])] + statements + [Statement(Self.leave)]
            let rows = try transaction.access { session throws(PostgreSQLError) in
                try WriteQueue.results(of: try session.pipeline(all), session)
            }
            return Array(rows.dropFirst().dropLast())
        } catch {
            if error.state == PostgreSQLError.declaredDead { store.life?.noteLoss(of: owner) }
            throw error
        }
    }

    private func results(
        of appending: Appending, _ statements: [Statement], in transaction: OpenTransaction
    ) throws -> [AppendResult] {
        // Before it is committed: a claim must not take it for a record that this process does not know of.
        store.held.withLock { $0.ids.formUnion(appending.ownIDs) }
        do {
            return try appending.results(try perform(statements, in: transaction).last)
        } catch {
            store.held.withLock { $0.ids.subtract(appending.ownIDs) }
            throw error
        }
    }

    private func run(of request: String, in transaction: OpenTransaction) throws -> Run {
        if let run, run.request == request { return run }
        let block = try perform([Statement("SELECT nextval('postlude.block') << 16")], in: transaction)
        guard let number = try block.first?.first() else { throw PostgreSQLError.unexpected("no number") }
        return Run(request: request, next: number, stops: false)
    }

    private func note(_ appending: Appending, _ results: [AppendResult]) {
        let existing = zip(appending.ids, results).filter { $0.1 != .added($0.0) }.map(\.0)
        store.held.withLock { $0.ids.subtract(existing) }
        ownIDs += Set(appending.ownIDs).subtracting(existing)
    }

    /// The application's settings are kept meanwhile: `search_path`, and those that would choose other plans.
    private static let enter = """
        SELECT set_config('postlude.search_path', current_setting('search_path'), true),
            set_config('postlude.seqscan', current_setting('enable_seqscan'), true),
            set_config('postlude.bitmapscan', current_setting('enable_bitmapscan'), true),
            set_config('search_path', 'pg_catalog, pg_temp', true), set_config('enable_seqscan', 'off', true),
            set_config('enable_bitmapscan', 'off', true), postlude.enter($1)::text
        """
    private static let leave = """
        SELECT set_config('search_path', current_setting('postlude.search_path'), true),
            set_config('enable_seqscan', current_setting('postlude.seqscan'), true),
            set_config('enable_bitmapscan', current_setting('postlude.bitmapscan'), true)
        """

    // MARK: The end

    /// Called when the transaction is over.
    ///
    /// - Parameter isCommitted: nil if that is not known.
    func finish(isCommitted: Bool?) {
        guard isCommitted == true else {
            store.held.withLock { $0.ids.subtract(ownIDs) }
            for appended in appended { appended.ended([]) }
            return
        }
        var committed = Set(appended.flatMap(\.ids))
        if wasRolledBack {
            committed = store.existing(committed)
            store.held.withLock { [ownIDs] in $0.ids.subtract(Set(ownIDs).subtracting(committed)) }
        }
        for appended in appended { appended.ended(committed.intersection(appended.ids)) }
    }

    /// Leaves the records to any process, if the transaction turns out to have been committed.
    func leave(_ mark: CommitMark) { store.freeLater(ownIDs, of: owner, afterClosing: mark) }
}

extension AppendResult {
    fileprivate var isAdded: Bool { if case .added = self { true } else { false } }
}
