internal import CPostludePostgreSQL
internal import Glibc
internal import PostludeSystem
internal import PostludeTaskStore

/// A session of the server: one connection, with its prepared statements. One thread at a time uses it.
// Unchecked: the pool, the writer's thread and the life's thread each give it to one thread at a time, under a lock.
final class Session: @unchecked Sendable {
    /// What a session is for, which decides how long its statements wait for locks.
    struct Limits: Sendable {
        /// How long a statement waits for another transaction.
        var lockTimeout: Duration
        /// How long the server may take to answer.
        var answerTimeout: Duration = .seconds(60)
    }

    enum Purpose {
        /// The statements of the store.
        case store
        /// Transactions of the application.
        case application
    }

    private let connection: OpaquePointer
    private let limits: Limits
    /// Returns whether a statement that the server runs is to be given up, and the session with it.
    var isCancelled: (() -> Bool)?
    private static let cancellationInterval = Int64(100)
    /// How long a statement takes is the application's choice. The loss of the server is noticed by TCP.
    private static let longestStatement = Duration.seconds(86_400)
    /// The names of the prepared statements, by their texts.
    private var prepared: [String: String] = [:]
    private var preparations = 0
    private(set) var isBroken = false

    /// The oldest version of the server, as `PQserverVersion` has it.
    private static let oldestVersion: Int32 = 130_000

    init(
        _ address: PostgreSQLAddress, _ limits: Limits, for purpose: Purpose = .store
    ) throws(PostgreSQLError) {
        self.limits = limits
        // The later values are valid: those of the address replace these.
        let words = [
            ("fallback_application_name", "postlude"), ("connect_timeout", "3"), ("tcp_user_timeout", "3000"),
            ("keepalives_idle", "1"), ("keepalives_interval", "1"), ("keepalives_count", "2"),
            ("target_session_attrs", "read-write"), ("dbname", address.text),
            ("client_encoding", "UTF8"),
        ]
        let made = Self.withPointers(words.map(\.0)) { keywords in
            Self.withPointers(words.map(\.1)) { values in PQconnectdbParams(keywords, values, 1) }
        }
        guard let made else { throw .connection("libpq has no memory") }
        connection = made
        guard PQstatus(connection) == CONNECTION_OK else { throw lost() }
        let version = PQserverVersion(connection)
        guard version >= Self.oldestVersion else {
            throw .unexpected("its version \(version / 10_000), and 13 is the oldest that is supported")
        }
        guard PQsetnonblocking(connection, 1) == 0 else { throw lost() }
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        let milliseconds = max(1, limits.lockTimeout.saturatedNanoseconds / 1_000_000)
        // A machine that is cut off is noticed by the server within three seconds, and its locks are free. A commit that is
        // acknowledged is on the disk, whatever the role, the database, the address or the server's file say, also if that file is
        // read again: a value that the session has set itself is kept.
        try script(
            """
            SET lock_timeout = \(milliseconds); SET client_min_messages = warning;
            SET tcp_keepalives_idle = 1; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 2;
            SET tcp_user_timeout = 2000;
            SELECT set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
                THEN 'on' ELSE current_setting('synchronous_commit') END, false);
            \(purpose == .store ? Self.storeSettings : Self.applicationSettings)
            """)
        // Older servers finish the statement of a client that has gone.
        if purpose == .application, version >= 140_000 {
            try script("SET client_connection_check_interval = 1000")
        }
    }

    private static let storeSettings = """
        SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 3000; SET jit = off;
        SET enable_seqscan = off; SET enable_bitmapscan = off; SET search_path = pg_catalog, pg_temp;
        SET default_transaction_isolation = 'read committed'
        """

    /// A handler may take a while between two statements. The formats are those that `SQLValue` reads.
    private static let applicationSettings = """
        SET idle_in_transaction_session_timeout = 60000; SET datestyle = 'ISO'; SET timezone = 'UTC';
        SET bytea_output = 'hex'
        """

    deinit { PQfinish(connection) }

    private static func withPointers<Value>(
        _ texts: [String?], _ body: ([UnsafePointer<CChar>?]) -> Value
    ) -> Value {
        var copies: [UnsafePointer<CChar>?] = texts.map {
            $0.flatMap { strdup($0) }.map { UnsafePointer($0) }
        }
        defer { for copy in copies { free(UnsafeMutablePointer(mutating: copy)) } }
        copies.append(nil)
        return body(copies)
    }

    /// Marks the session as unusable.
    private func lost(_ reason: String? = nil) -> PostgreSQLError {
        isBroken = true
        return .connection(reason ?? message)
    }

    /// libpq's message in one line. It contains no password.
    private var message: String {
        String(cString: PQerrorMessage(connection)).split(separator: "\n").joined(separator: " ")
    }

    /// The descriptor of the connection, to wait for input.
    var descriptor: Int32 { PQsocket(connection) }

    var serverVersion: Int { Int(PQserverVersion(connection)) }

    /// Whether a transaction is open.
    var isInTransaction: Bool {
        PQtransactionStatus(connection) == PQTRANS_INTRANS
            || PQtransactionStatus(connection) == PQTRANS_INERROR
    }

    func parameter(_ name: String) -> String? {
        PQparameterStatus(connection, name).map { String(cString: $0) }
    }

    /// Reads what the server has sent on its own, and returns the names of the channels that were notified.
    func notifications() throws(PostgreSQLError) -> [String] {
        guard PQconsumeInput(connection) == 1 else { throw lost() }
        guard PQstatus(connection) == CONNECTION_OK else { throw lost() }
        var channels: [String] = []
        while let notification = PQnotifies(connection) {
            channels.append(String(cString: notification.pointee.relname))
            PQfreemem(notification)
        }
        return channels
    }

    /// Ends the connection, so that the server ends what it does for it.
    func disconnect() {
        isBroken = true
        shutdown(PQsocket(connection), Int32(SHUT_RDWR))
    }

    // MARK: Statements

    /// Runs several statements without parameters, which return nothing, in one transaction.
    func script(_ text: String) throws(PostgreSQLError) {
        guard PQsendQuery(connection, text) == 1 else { throw lost() }
        var failure: PostgreSQLError?
        while let result = try next() {
            let rows = Rows(owning: result)
            if let error = Self.failure(of: result) { failure = failure ?? error }
            withExtendedLifetime(rows) {}
        }
        if let failure { throw noted(failure) }
    }

    /// Runs a statement of the application, which is not prepared, and waits for all of its rows.
    ///
    /// - Parameter values: its parameters as text, whose types the server infers; nil for NULL.
    func runText(_ sql: String, _ values: [String?]) throws(PostgreSQLError) -> TextRows {
        guard !isBroken else { throw .connection("the connection to the server is closed") }
        for text in [sql] + values.compactMap(\.self) where text.utf8.contains(0) {
            // libpq would take the text before it.
            throw .server(state: "22021", message: "PostgreSQL's text cannot contain a NUL", constraint: nil)
        }
        let isSent = Self.withPointers(values) { pointers in
            PQsendQueryParams(connection, sql, Int32(clamping: values.count), nil, pointers, nil, nil, 0)
        }
        guard isSent == 1 else { throw lost() }
        var rows: TextRows?
        var failure: PostgreSQLError?
        while let result = try next(within: Self.longestStatement) {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                disconnect()
                throw .unexpected("COPY, which transactions of the application cannot use")
            default: break
            }
            if let error = Self.failure(of: result) {
                failure = failure ?? error
                continue
            }
            do throws(PostgreSQLError) {
                rows = try TextRows(result)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw noted(failure) }
        guard let rows else { throw lost() }
        return rows
    }

    /// Runs a statement, and waits for its rows.
    @discardableResult
    func run(_ sql: String, _ values: [StatementValue] = []) throws(PostgreSQLError) -> Rows {
        try run(Statement(sql, values))
    }

    func run(_ statement: Statement) throws(PostgreSQLError) -> Rows {
        let outcomes = try pipeline([statement])
        guard let outcome = outcomes.first else { throw .unexpected("no result") }
        return try outcome.get()
    }

    /// Runs statements in a transaction, and commits it.
    ///
    /// - Parameter body: may be called again after a conflict with another transaction, and must not change anything except
    ///   the database.
    func transaction<Value>(
        until deadline: MonotonicTime, commitFails: (PostgreSQLError) -> Void = { _ in },
        _ body: (Session) throws -> Value
    ) throws -> Value {
        while true {
            do {
                try run("BEGIN")
                let value = try body(self)
                do throws(PostgreSQLError) {
                    guard try run("COMMIT").command == "COMMIT" else { throw .unexpected("no commit") }
                } catch {
                    if error.isDisconnected { commitFails(error) }
                    throw error
                }
                return value
            } catch let error as PostgreSQLError where error.isConflict && MonotonicTime.now < deadline {
                rollBack()
            } catch {
                rollBack()
                throw error
            }
        }
    }

    func rollBack() {
        guard !isBroken, isInTransaction else { return }
        do {
            try run("ROLLBACK")
        } catch {
            isBroken = true
        }
    }

    /// Sends statements at once, and then reads their results: one round trip for all of them. If one fails, the server skips
    /// those after it.
    func pipeline(_ statements: [Statement]) throws(PostgreSQLError) -> [Result<Rows, PostgreSQLError>] {
        guard !isBroken else { throw .connection("the connection to the server is closed") }
        guard PQenterPipelineMode(connection) == 1 else { throw lost() }
        var steps: [(text: String, isPreparation: Bool)] = []
        var names = prepared
        for statement in statements {
            let name: String
            if let known = names[statement.sql] {
                name = known
            } else {
                name = "s\(preparations)"
                preparations += 1
                names[statement.sql] = name
                try prepare(statement, as: name)
                steps.append((statement.sql, true))
            }
            try send(statement, as: name)
            steps.append((statement.sql, false))
        }
        guard PQpipelineSync(connection) == 1 else { throw lost() }
        var outcomes: [Result<Rows, PostgreSQLError>] = []
        var preparationFailure: PostgreSQLError?
        for step in steps {
            let outcome = try outcome()
            if step.isPreparation {
                switch outcome {
                case .success: prepared[step.text] = names[step.text]
                case .failure(let error): preparationFailure = error
                }
            } else if let failure = preparationFailure {
                outcomes.append(.failure(failure))
                preparationFailure = nil
            } else {
                outcomes.append(outcome)
            }
        }
        try endPipeline()
        for outcome in outcomes {
            if case .failure(let error) = outcome { _ = noted(error) }
        }
        return outcomes
    }

    /// Forgets a session that the server has ended.
    private func noted(_ error: PostgreSQLError) -> PostgreSQLError {
        if error.isDisconnected { isBroken = true }
        return error
    }

    private func prepare(_ statement: Statement, as name: String) throws(PostgreSQLError) {
        let types = statement.values.map { Oid($0.type) }
        guard PQsendPrepare(connection, name, statement.sql, Int32(types.count), types) == 1 else {
            throw lost()
        }
    }

    private func send(_ statement: Statement, as name: String) throws(PostgreSQLError) {
        let encoded = statement.values.map(\.encoded)
        let lengths = encoded.map { Int32(clamping: $0?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: encoded.count)
        // One buffer holds all values, so that each pointer into it is valid during the call.
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.reduce(1) { $0 + ($1?.count ?? 0) })
        var offsets: [Int?] = []
        for value in encoded {
            offsets.append(value == nil ? nil : bytes.count)
            if let value { bytes += value }
        }
        // An empty value needs a pointer, too: without one it is NULL.
        bytes.append(0)
        let isSent = bytes.withUnsafeBytes { buffer in
            let pointers = offsets.map { offset in
                offset.flatMap { buffer.baseAddress?.advanced(by: $0).assumingMemoryBound(to: CChar.self) }
            }
            return PQsendQueryPrepared(
                connection, name, Int32(pointers.count), pointers, lengths, formats, 1)
        }
        guard isSent == 1 else { throw lost() }
    }

    /// Reads the result of one statement of a pipeline.
    private func outcome() throws(PostgreSQLError) -> Result<Rows, PostgreSQLError> {
        var found: Result<Rows, PostgreSQLError>?
        while let result = try next() {
            let rows = Rows(owning: result)
            switch PQresultStatus(result) {
            case PGRES_PIPELINE_ABORTED: found = found ?? .failure(.aborted)
            case PGRES_PIPELINE_SYNC: throw lost("the server has skipped a statement")
            default: found = found ?? Self.failure(of: result).map { .failure($0) } ?? .success(rows)
            }
        }
        guard let found else { throw lost() }
        return found
    }

    private func endPipeline() throws(PostgreSQLError) {
        guard let result = try next() else { throw lost() }
        let status = PQresultStatus(result)
        let failure = Self.failure(of: result)
        PQclear(result)
        guard status == PGRES_PIPELINE_SYNC else { throw failure.map(noted) ?? lost() }
        guard PQexitPipelineMode(connection) == 1 else { throw lost() }
    }

    private static func failure(of result: OpaquePointer) -> PostgreSQLError? {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY, PGRES_PIPELINE_SYNC: return nil
        default: break
        }
        func field(_ code: Unicode.Scalar) -> String? {
            PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) }
        }
        // Without a state it is libpq's own error: the connection is lost.
        guard let state = field("C") else {
            let text = String(cString: PQresultErrorMessage(result))
            return .connection(text.split(separator: "\n").joined(separator: " "))
        }
        // Details are left out: they may contain the user's data.
        return .server(state: state, message: field("M") ?? "", constraint: field("n"))
    }

    /// Waits for the next result; nil at the end of a statement's results.
    private func next(within timeout: Duration? = nil) throws(PostgreSQLError) -> OpaquePointer? {
        let deadline = MonotonicTime.now + (timeout ?? limits.answerTimeout)
        while true {
            let rest = PQflush(connection)
            guard rest >= 0 else { throw lost() }
            if PQisBusy(connection) == 0 { return PQgetResult(connection) }
            try wait(mayWrite: rest == 1, until: deadline)
            guard PQconsumeInput(connection) == 1 else { throw lost() }
        }
    }

    private func wait(mayWrite: Bool, until deadline: MonotonicTime) throws(PostgreSQLError) {
        var watched = pollfd(
            fd: PQsocket(connection), events: Int16(POLLIN) | (mayWrite ? Int16(POLLOUT) : 0), revents: 0)
        let left = (deadline - .now) / .milliseconds(1)
        guard left > 0 else { throw lost("the server does not answer") }
        var milliseconds = Int64(left) + 1
        if let isCancelled {
            if isCancelled() {
                disconnect()
                throw .connection("given up, because its request or task was cancelled")
            }
            milliseconds = min(milliseconds, Self.cancellationInterval)
        }
        guard poll(&watched, 1, Int32(clamping: milliseconds)) >= 0 || errno == EINTR else {
            throw lost("poll: errno \(errno)")
        }
    }
}
