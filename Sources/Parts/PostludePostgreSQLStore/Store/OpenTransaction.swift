internal import PostludeSystem
internal import PostludeTaskStore

/// A transaction that the application has begun on a connection of a pool. One thread at a time uses it.
///
/// It is over after ``commit()`` or ``rollback()``. One that is neither is rolled back when it is released.
package final class OpenTransaction {
    private let kind: RecordTransactionKind
    private let connection: PooledConnection
    private let pool: ConnectionPool
    private var isOver = false
    /// The first error of a statement, after which the server commits nothing; nil if there was none.
    private(set) var failure: PostgreSQLError?
    private var savepoints = 0
    /// The store that has records in this transaction.
    private var records: TransactionRecords?

    init(_ kind: RecordTransactionKind, on connection: PooledConnection, of pool: ConnectionPool) {
        self.kind = kind
        self.connection = connection
        self.pool = pool
    }

    deinit { rollback() }

    var address: PostgreSQLAddress { pool.address }

    /// Makes statements fail from the moment at which `isCancelled` is true, also while the server runs them.
    package func cancel(when isCancelled: @escaping () -> Bool) {
        connection.session.isCancelled = isCancelled
    }

    // MARK: Statements

    /// Runs a statement of the application.
    ///
    /// - Parameter values: its parameters as text, whose types the server infers; nil for NULL.
    package func run(_ sql: String, _ values: [String?] = []) throws(PostgreSQLError) -> TextRows {
        guard !TransactionStatement.isOne(sql) else {
            throw .server(
                state: "2D000",
                message: "a transaction is begun and ended by its owner, and not by a statement",
                constraint: nil)
        }
        return try access { session throws(PostgreSQLError) in try session.runText(sql, values) }
    }

    /// Calls `body` within a savepoint, and rolls back to it if `body` throws.
    package func savepoint<Value>(_ body: () throws -> Value) throws -> Value {
        savepoints += 1
        let name = "postlude_\(savepoints)"
        _ = try access { session throws(PostgreSQLError) in try session.runText("SAVEPOINT \(name)", []) }
        do {
            let value = try body()
            _ = try access { session throws(PostgreSQLError) in
                try session.runText("RELEASE SAVEPOINT \(name)", [])
            }
            return value
        } catch {
            try rollback(to: name)
            throw error
        }
    }

    private func rollback(to name: String) throws(PostgreSQLError) {
        records?.noteRollback()
        // The error belongs to what is undone.
        failure = nil
        _ = try access { session throws(PostgreSQLError) in
            try session.runText("ROLLBACK TO SAVEPOINT \(name)", [])
        }
    }

    /// Calls `body` with the session, and remembers its error.
    func access<Value>(
        _ body: (Session) throws(PostgreSQLError) -> Value
    ) throws(PostgreSQLError) -> Value {
        guard !isOver else {
            throw .server(state: "25P01", message: "the transaction is over", constraint: nil)
        }
        do throws(PostgreSQLError) {
            return try body(connection.session)
        } catch {
            failure = failure ?? error
            throw error
        }
    }

    // MARK: Records

    /// Prepares the connection for records of a store.
    func join(_ store: PostgreSQLTaskStore, as owner: Int64) throws -> TransactionRecords {
        if let records, records.store === store { return records }
        guard records == nil else {
            throw store.refusal("the transaction has tasks of another task store already")
        }
        try store.confirmDatabase(of: self)
        if connection.mark?.owner != owner { connection.mark = try store.makeMark(owner: owner) }
        let joined = TransactionRecords(of: store, owner: owner)
        records = joined
        return joined
    }

    // MARK: The end

    /// Commits it. When this returns, it is on the disk.
    ///
    /// - Throws: ``CommitFailure`` if the transaction was rolled back, or if that is not known.
    package func commit() throws(CommitFailure) {
        guard !isOver else {
            throw CommitFailure(.unexpected("a transaction that is over"), isUnknown: false)
        }
        guard kind == .write else { return rollback() }
        if let failure {
            rollback()
            throw CommitFailure(failure, isUnknown: false)
        }
        // From here on it is not given up.
        connection.session.isCancelled = nil
        let commit = records == nil ? nil : RecordID.make(at: 0)
        do throws(PostgreSQLError) {
            var statements = [Statement("COMMIT")]
            if let commit, let mark = connection.mark {
                statements.insert(Statement(Self.marking, [.id(mark.id), .id(commit)]), at: 0)
            }
            let results = try WriteQueue.results(
                of: try connection.session.pipeline(statements), connection.session)
            // The server answers ROLLBACK after an error that it has not reported otherwise.
            guard results.last?.command == "COMMIT" else { throw .unexpected("no commit") }
        } catch {
            return try resolve(error, commit)
        }
        finish(isCommitted: true)
    }

    /// Finds out whether a transaction was committed whose connection was lost meanwhile.
    private func resolve(_ error: PostgreSQLError, _ commit: RecordID?) throws(CommitFailure) {
        guard error.isDisconnected else {
            rollback()
            throw CommitFailure(error, isUnknown: false)
        }
        connection.session.disconnect()
        guard let commit, let mark = connection.mark, let records else {
            finish(isCommitted: nil)
            throw CommitFailure(error, isUnknown: true)
        }
        connection.mark = nil
        do {
            let isCommitted = try records.store.isCommitted(commit, by: mark)
            finish(isCommitted: isCommitted)
            if !isCommitted { throw CommitFailure(error, isUnknown: false) }
        } catch let failure as CommitFailure {
            throw failure
        } catch {
            records.leave(mark)
            finish(isCommitted: nil)
            throw CommitFailure(.connection("\(error)"), isUnknown: true)
        }
    }

    private static let marking = "SELECT postlude.mark($1, $2)::text"

    /// Rolls it back, unless it is over.
    package func rollback() {
        guard !isOver else { return }
        connection.session.rollBack()
        finish(isCommitted: false)
    }

    /// Gives the connection back.
    ///
    /// - Parameter isCommitted: nil if that is not known.
    private func finish(isCommitted: Bool?) {
        isOver = true
        connection.session.isCancelled = nil
        records?.finish(isCommitted: isCommitted)
        pool.give(connection)
    }
}

/// Why a transaction could not be committed.
package struct CommitFailure: Error {
    package let error: PostgreSQLError
    /// Whether it may have been committed nevertheless.
    package let isUnknown: Bool

    init(_ error: PostgreSQLError, isUnknown: Bool) {
        self.error = error
        self.isUnknown = isUnknown
    }
}

/// Statements that begin or end a transaction, which would separate what belongs together.
enum TransactionStatement {
    private static let words: Set<String> = [
        "begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare",
    ]

    static func isOne(_ sql: String) -> Bool {
        let word = firstWord(of: sql[...].utf8)
        // Only PREPARE TRANSACTION ends one.
        return words.contains(word) && (word != "prepare" || sql.lowercased().contains("transaction"))
    }

    private static func firstWord(of text: Substring.UTF8View) -> String {
        var rest = text
        while let first = rest.first {
            switch first {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"),
                UInt8(ascii: "\u{c}"), UInt8(ascii: "\u{b}"), UInt8(ascii: ";"):
                rest = rest.dropFirst()
            case UInt8(ascii: "-") where rest.dropFirst().first == UInt8(ascii: "-"):
                rest = rest.drop { $0 != UInt8(ascii: "\n") }
            case UInt8(ascii: "/") where rest.dropFirst().first == UInt8(ascii: "*"):
                rest = afterComment(rest)
            default:
                return String(
                    decoding: rest.prefix {
                        $0 | 0x20 >= UInt8(ascii: "a") && $0 | 0x20 <= UInt8(ascii: "z")
                    },
                    as: UTF8.self
                ).lowercased()
            }
        }
        return ""
    }

    /// Comments of PostgreSQL are nested.
    private static func afterComment(_ text: Substring.UTF8View) -> Substring.UTF8View {
        var rest = text
        var depth = 0
        repeat {
            if rest.starts(with: "/*".utf8) {
                depth += 1
                rest = rest.dropFirst(2)
            } else if rest.starts(with: "*/".utf8) {
                depth -= 1
                rest = rest.dropFirst(2)
            } else {
                rest = rest.dropFirst()
            }
        } while depth > 0 && !rest.isEmpty
        return rest
    }
}
