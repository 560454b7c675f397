package import FoundationEssentials
internal import PostludeSystem
package import PostludeTaskStore

extension PostgreSQLTaskStore {
    package func begin(_ key: IdempotencyKey) throws(TaskStoreError) -> KeyBeginning {
        let digest = key.digest
        let (lock, answer, bytes) = try keys.begin(digest, at: now)
        if let answer { return .answered(answer) }
        guard let lock else { return .inFlight }
        return bytes < settings.maximumAnswers ? .first(lock) : .full
    }

    package func removeAnswers(before time: Date, limit: Int) throws(TaskStoreError) -> Int {
        let time = time.milliseconds
        return try change { session, context in
            let removed = try session.number(
                "SELECT postlude.remove_answers($1, $2, $3)",
                [.integer(context.owner), .integer(time), .integer(Int64(max(0, limit)))])
            return Int(clamping: removed ?? 0)
        }
    }
}

/// The locks of the keys of the requests that this process answers. One session of the server holds all of them.
///
/// If that session is lost, so are its locks: a repetition at another process begins then, and only one of both is stored.
final class KeyLocks: Sendable {
    private struct State {
        var session: Session?
        var held: Set<Int64> = []
    }

    private let pool: SessionPool
    private let place: String
    private let state = Lock(State())

    init(_ pool: SessionPool, at place: String) {
        self.pool = pool
        self.place = place
    }

    /// Locks a key, and looks its answer up.
    ///
    /// - Returns: the lock, nil if another request has it; the answer, nil if there is none; the size of all answers.
    func begin(
        _ digest: [UInt8], at now: Int64
    ) throws(TaskStoreError) -> (lock: (any KeyLock)?, answer: StoredAnswer?, bytes: Int64) {
        let number = IdempotencyKey.lockNumber(of: digest)
        do {
            let (isLocked, answer, bytes) = try state.withLock { state in
                let rows = try use(&state) { session in
                    try session.run(
                        Self.begin, [.integer(number), .bytes(Data(digest)), .integer(now)])
                }
                do {
                    let (answer, bytes) = (try Self.answer(rows), try rows.optionalInteger(0, 1) ?? 0)
                    guard try rows.boolean(0, 0) else { return (false, answer, bytes) }
                    if state.held.insert(number).inserted { return (true, answer, bytes) }
                    // The session has the lock for another request, and has it once more now.
                    try state.session?.run(Self.unlock, [.integer(number)])
                    return (false, answer, bytes)
                } catch {
                    // The end of the session releases the lock.
                    state.session = nil
                    throw error
                }
            }
            return (isLocked ? PostgreSQLKeyLock(number, of: self) : nil, answer, bytes)
        } catch {
            throw TaskStoreError(place, error)
        }
    }

    fileprivate func release(_ number: Int64) {
        state.withLock { state in
            state.held.remove(number)
            guard let session = state.session else { return }
            do throws(PostgreSQLError) {
                try session.run(Self.unlock, [.integer(number)])
            } catch {
                // The end of the session releases all of its locks.
                state.session = nil
            }
        }
    }

    func close() {
        state.withLock { state in
            if let session = state.session, state.held.isEmpty { pool.give(session) }
            state.session = nil
        }
    }

    /// Calls `body` with the session. If that was lost meanwhile, takes another one.
    @discardableResult
    private func use<Value>(_ state: inout State, _ body: (Session) throws -> Value) throws -> Value {
        if let session = state.session {
            do {
                return try body(session)
            } catch let error as PostgreSQLError where error.isDisconnected {
                state.session = nil
            }
        }
        let session = try pool.take()
        state.session = session
        return try body(session)
    }

    private static func answer(_ rows: Rows) throws -> StoredAnswer? {
        guard let fingerprint = try rows.optionalData(0, 2) else { return nil }
        return StoredAnswer(
            fingerprint: Array(fingerprint), status: Int(clamping: try rows.integer(0, 3)),
            head: try StoredAnswer.Head(json: try rows.data(0, 4)), body: try rows.data(0, 5),
            taskIDs: try rows.text(0, 6).split(separator: " ").map(String.init),
            expires: Date(milliseconds: try rows.integer(0, 7)))
    }

    private static let begin = "SELECT * FROM postlude.begin_key($1, $2, $3)"
    private static let unlock = "SELECT pg_advisory_unlock($1)"
}

private final class PostgreSQLKeyLock: KeyLock {
    private let number: Int64
    private let locks: KeyLocks

    init(_ number: Int64, of locks: KeyLocks) {
        self.number = number
        self.locks = locks
    }

    deinit { locks.release(number) }
}

/// The insertion of an answer with the records of its request.
struct AnswerInsertion: Sendable {
    /// The last arguments of `postlude.append_answered`.
    let values: [StatementValue]
    private let digest: Data
    private let expires: Int64

    init(_ new: NewAnswer) throws(TaskStoreError) {
        let answer = new.answer
        let head: Data
        do {
            head = try answer.head.json
        } catch {
            throw TaskStoreError(.refused, new.key.route, "the head of an answer cannot be encoded: \(error)")
        }
        digest = Data(new.key.digest)
        expires = answer.expires.milliseconds
        values = [
            .bytes(digest), .text(new.key.route), .integer(expires),
            .integer(Int64(StoredAnswer.overhead + head.count + answer.body.count)),
            .bytes(Data(answer.fingerprint)), .integer(Int64(answer.status)),
            .text(answer.taskIDs.joined(separator: " ")), .bytes(head), .bytes(answer.body),
        ]
    }

    /// Removes an answer that may have been stored although its transaction seemed to fail.
    func undoing(_ context: WriteContext) -> [Statement] {
        [Statement(Self.undo, [.integer(context.owner), .bytes(digest), .integer(expires)])]
    }

    private static let undo = """
        WITH undone AS (DELETE FROM postlude.answer WHERE key = $2 AND expires = $3 RETURNING bytes)
        SELECT postlude.count_answers($1, -bytes)::text FROM undone
        """
}
