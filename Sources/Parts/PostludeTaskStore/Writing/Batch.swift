internal import GRDB

/// Statements of asynchronous writes.
typealias Note = @Sendable (Database) throws -> Void

/// What shares a transaction.
struct Batch {
    /// What became of a batch.
    struct Outcome {
        var transactions = 0
        /// Each write, and what has befallen all where it could not even run.
        var ends: [(write: any QueuedWrite, failure: (any Error)?)] = []
        /// Those that could not be written, and may be later; why.
        var notes: [Note] = []
        var notesFailure: (any Error)?
        /// Why notes were given up: each would fail again, and hold up all after it.
        var mistakes: [any Error] = []
    }

    var writes: [any QueuedWrite] = []
    var notes: [Note] = []

    private var parts: Int { writes.count + (notes.isEmpty ? 0 : 1) }

    /// Runs the batch in the transaction that has begun, and commits it. Where that is lost as a whole, each part gets
    /// one of its own: it may have been lost by one of them.
    ///
    /// - Parameter begin: begins a transaction.
    func commit(in database: Database, begin: () throws -> Void) -> Outcome {
        var outcome = Outcome()
        do {
            try run(in: database, &outcome)
        } catch {
            try? database.rollback()
            guard parts > 1 else {
                fail(error, &outcome)
                return outcome
            }
            if !notes.isEmpty { Batch(notes: notes).commitAlone(in: database, begin: begin, &outcome) }
            for write in writes { Batch(writes: [write]).commitAlone(in: database, begin: begin, &outcome) }
        }
        return outcome
    }

    private func commitAlone(in database: Database, begin: () throws -> Void, _ outcome: inout Outcome) {
        do {
            try begin()
            try run(in: database, &outcome)
        } catch {
            try? database.rollback()
            fail(error, &outcome)
        }
    }

    private func run(in database: Database, _ outcome: inout Outcome) throws {
        let changes = database.totalChangesCount
        var mistakes: [any Error] = []
        for note in notes {
            do {
                try note(database)
            } catch {
                guard database.isInsideTransaction, !Self.mayPass(error) else { throw error }
                mistakes.append(error)
            }
        }
        for write in writes { try write.run(in: database) }
        if database.totalChangesCount != changes { try WriteStamp.advance(in: database) }
        try database.run("COMMIT")
        outcome.transactions += 1
        outcome.mistakes += mistakes
        outcome.ends += writes.map { ($0, nil) }
    }

    private func fail(_ error: any Error, _ outcome: inout Outcome) {
        outcome.ends += writes.map { ($0, error) }
        guard !notes.isEmpty else { return }
        outcome.notes = notes
        outcome.notesFailure = error
    }

    /// Whether the same statements may succeed later.
    private static func mayPass(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        return switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_NOMEM, .SQLITE_INTERRUPT,
            .SQLITE_READONLY, .SQLITE_CANTOPEN:
            true
        default: false
        }
    }
}
