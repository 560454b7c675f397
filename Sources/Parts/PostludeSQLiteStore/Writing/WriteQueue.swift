internal import GRDB
internal import Glibc
internal import PostludeSystem
internal import PostludeTaskStore
internal import Synchronization

/// Group commit: one thread takes all waiting writes, runs them in one transaction, and resumes their callers when that is on
/// the disk. It is independent of records.
final class WriteQueue: Sendable {
    private struct Waiting {
        let write: any QueuedWrite
        let deadline: MonotonicTime
    }

    /// The delay before notes are tried again.
    private static let retryDelay = Duration.seconds(1)

    private let pool: DatabasePool
    private let busyTimeout: BusyTimeout
    private let checkpointer: Checkpointer
    private let confirm: @Sendable (Database) throws -> Void
    /// The turns of this process's writers, if there are others than this one; nil otherwise.
    private let turns: WriteTurns?
    private let stamps: Bool
    private let settings: TaskStoreSettings
    private let path: String

    private struct State {
        var waiting: [Waiting] = []
        var notes: [Note] = []
        /// When the notes are written even if there is no other write.
        var notesDue: MonotonicTime?
        /// Why the pending notes could not be written yet.
        var notesFailure: (any Error)?
        /// Whether a transaction with notes is being written.
        var isWritingNotes = false
        var isClosing = false
        var committed = 0
        var thread: pthread_t?
    }

    private let state = ConditionLock(State())

    /// - Parameters:
    ///   - busyTimeout: the timeout of the pool's busy handler.
    ///   - turns: the turns of this process's writers, if there are others; nil otherwise.
    ///   - stamps: whether each transaction advances the file's `WriteStamp`.
    ///   - confirm: called at the beginning of each transaction; if it throws, nothing is written.
    init(
        _ pool: DatabasePool, busyTimeout: BusyTimeout, checkpointer: Checkpointer, path: String,
        settings: TaskStoreSettings, turns: WriteTurns?, stamps: Bool,
        confirm: @escaping @Sendable (Database) throws -> Void
    ) throws(SystemError) {
        self.pool = pool
        self.busyTimeout = busyTimeout
        self.checkpointer = checkpointer
        self.path = path
        self.settings = settings
        self.turns = turns
        self.stamps = stamps
        self.confirm = confirm
        try start()
    }

    /// The number of transactions that have been committed.
    var transactions: Int { state.withLock { $0.committed } }

    /// The number of waiting callers.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    // MARK: Callers

    /// Runs statements in a transaction that other writes may share, and waits until they are on the disk.
    ///
    /// - Parameter body: the statements. They may be run again if their transaction is lost, and must not change anything
    ///   except the database.
    func perform<Value>(_ body: @escaping @Sendable (Database) throws -> Value) throws -> Value {
        let write = PendingWrite(body)
        let deadline = MonotonicTime.now + settings.lockTimeout
        let isQueued = state.withLock { state in
            guard !state.isClosing else { return false }
            state.waiting.append(Waiting(write: write, deadline: deadline))
            self.state.signal()
            return true
        }
        guard isQueued else { throw TaskStoreError(.closed, path, "the task store is closed") }
        return try write.wait()
    }

    /// Runs statements with the next transaction, before those of callers that begin to wait later.
    func note(_ note: @escaping Note) {
        let due = MonotonicTime.now + settings.noteDelay
        state.withLock { state in
            state.notes.append(note)
            guard state.notesDue == nil else { return }
            state.notesDue = due
            self.state.signal()
        }
    }

    /// Waits until all earlier notes are on the disk. If there are none, it waits for no lock, which the caller's own transaction
    /// may have.
    func flush() throws {
        let isOnDisk = state.withLock { $0.notes.isEmpty && !$0.isWritingNotes && !$0.isClosing }
        guard !isOnDisk else { return }
        try perform { _ in }
        if let failure = state.withLock({ $0.notesFailure }) { throw failure }
    }

    /// Writes everything that is pending, and ends the thread.
    func close() {
        let thread = state.withLock { state in
            state.isClosing = true
            self.state.signal()
            defer { state.thread = nil }
            return state.thread
        }
        if let thread { pthread_join(thread, nil) }
    }

    // MARK: The thread

    private func start() throws(SystemError) {
        var handle = pthread_t()
        let queue = Unmanaged.passRetained(self)
        let result = pthread_create(
            &handle, nil,
            { argument in
                // pthread_create passes the pointer given below, which is never null.
                guard let argument else { return nil }
                nameThread("task store")
                Unmanaged<WriteQueue>.fromOpaque(argument).takeRetainedValue().writeAll()
                return nil
            }, queue.toOpaque())
        guard result == 0 else {
            queue.release()
            throw SystemError("start the task store's thread", errno: result)
        }
        state.withLock { $0.thread = handle }
    }

    private func writeAll() {
        while awaitWork() { writeNext() }
    }

    /// - Returns: false if the queue is closed and nothing is left to write.
    private func awaitWork() -> Bool {
        state.wait { state in
            guard state.waiting.isEmpty else { return .stop(true) }
            if state.isClosing { return .stop(!state.notes.isEmpty) }
            guard let due = state.notesDue else { return .wait(until: nil) }
            return due > .now ? .wait(until: due) : .stop(true)
        }
    }

    private func writeNext() {
        do {
            let deadline = state.withLock { $0.waiting.first?.deadline }
            try turns?.take(until: deadline ?? .now + settings.lockTimeout)
            defer { turns?.end() }
            let outcome = try pool.writeWithoutTransaction { database in
                try begin(in: database, until: deadline)
                // Taken only after the transaction has begun, so that it includes writes that arrived while another process was
                // writing.
                return take(stamped: stamps).commit(in: database) { try begin(in: database, until: nil) }
            }
            finish(outcome)
        } catch {
            endThoseOverdue(error)
        }
        if checkpointer.isDue { checkpoint() }
    }

    /// Makes a checkpoint. The callers of the last transaction have been resumed before.
    private func checkpoint() {
        // If another transaction is open, the checkpoint after the next commit moves these pages, too.
        if let turns, (try? turns.take(until: .now)) == nil { return }
        defer { turns?.end() }
        try? pool.writeWithoutTransaction { database in
            // If another process is writing, the checkpoint after the next commit moves these pages, too.
            busyTimeout.set(end: .now)
            try database.run("BEGIN IMMEDIATE")
            checkpointer.run()
            try database.run("COMMIT")
        }
    }

    /// - Parameter deadline: until when it waits for other processes; nil for as long as a new write would wait.
    private func begin(in database: Database, until deadline: MonotonicTime?) throws {
        busyTimeout.set(end: deadline ?? .now + settings.lockTimeout)
        try database.run("BEGIN IMMEDIATE")
        do {
            try confirm(database)
        } catch {
            try? database.rollback()
            throw error
        }
    }

    private func take(stamped: Bool) -> Batch {
        state.withLock { state in
            defer {
                state.isWritingNotes = !state.notes.isEmpty
                state.waiting = []
                state.notes = []
                state.notesDue = nil
            }
            return Batch(writes: state.waiting.map(\.write), notes: state.notes, stamps: stamped)
        }
    }

    private func finish(_ outcome: Batch.Outcome) {
        state.withLock { state in
            state.committed += outcome.transactions
            state.isWritingNotes = false
            state.notesFailure = outcome.notesFailure
            // While the queue is closing, notes that have failed are dropped: their attempts are made again.
            guard !outcome.notes.isEmpty, !state.isClosing else { return }
            state.notes = outcome.notes + state.notes
            state.notesDue = .now + Self.retryDelay
        }
        // No caller is resumed before the state includes all results.
        for end in outcome.ends { end.write.end(end.failure) }
        if outcome.transactions > 0 { settings.written() }
        let failures = [outcome.notesFailure].compactMap(\.self) + outcome.mistakes
        for failure in failures { settings.report(TaskStoreError(path, failure)) }
    }

    /// Handles the failure to begin a transaction: ends the writes whose deadline has passed, or all writes if the file is not
    /// just busy.
    private func endThoseOverdue(_ error: any Error) {
        let isBusy = (error as? DatabaseError)?.resultCode == .SQLITE_BUSY
        let now = MonotonicTime.now
        let over = state.withLock { state in
            let over = state.waiting.filter { !isBusy || $0.deadline <= now }
            state.waiting.removeAll { !isBusy || $0.deadline <= now }
            if state.isClosing {
                state.notes = []
            } else if !state.notes.isEmpty {
                state.notesFailure = error
                state.notesDue = now + Self.retryDelay
            }
            return over
        }
        for one in over { one.write.end(error) }
        if over.isEmpty { settings.report(TaskStoreError(path, error)) }
    }
}

/// Statements of asynchronous writes.
typealias Note = @Sendable (Database) throws -> Void

/// The writes and notes that share a transaction.
private struct Batch {
    /// The result of a batch.
    struct Outcome {
        var transactions = 0
        /// Each write, with the error that has lost its transaction; nil if the transaction was committed.
        var ends: [(write: any QueuedWrite, failure: (any Error)?)] = []
        /// The notes that could not be written and are to be retried, and the reason.
        var notes: [Note] = []
        var notesFailure: (any Error)?
        /// The errors of notes that were dropped, because each would fail again and block all later notes.
        var mistakes: [any Error] = []
    }

    var writes: [any QueuedWrite] = []
    var notes: [Note] = []
    /// Whether it advances the file's `WriteStamp`.
    var stamps: Bool

    private var parts: Int { writes.count + (notes.isEmpty ? 0 : 1) }

    /// Runs the batch in the transaction that has begun, and commits it. If one of its parts fails, each part gets a separate
    /// transaction. Savepoints would keep the other parts instead, but they copy each page that a part changes, and a part fails
    /// rarely.
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
            if !notes.isEmpty {
                Batch(notes: notes, stamps: stamps).commitAlone(in: database, begin: begin, &outcome)
            }
            for write in writes {
                Batch(writes: [write], stamps: stamps).commitAlone(in: database, begin: begin, &outcome)
            }
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
        if stamps, database.totalChangesCount != changes { try WriteStamp.advance(in: database) }
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

/// The statements of one caller, which waits for their result.
// Unchecked: only the writer's thread changes it after its creation. The caller reads the result after the semaphore is posted.
private final class PendingWrite<Value>: @unchecked Sendable {
    private let body: @Sendable (Database) throws -> Value
    private var result: Result<Value, any Error>?
    private let isOver = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// - Parameter body: the statements. They may be run again if their transaction is lost, and must not change anything
    ///   except the database.
    init(_ body: @escaping @Sendable (Database) throws -> Value) {
        self.body = body
        sem_init(isOver, 0, 0)
    }

    deinit {
        sem_destroy(isOver)
        isOver.deallocate()
    }

    /// Waits, on the caller's thread, until the statements are committed and on the disk, or rolled back.
    func wait() throws -> Value {
        while sem_wait(isOver) != 0 {}
        // The writer's thread sets it before it posts the semaphore.
        guard let result else { throw CancellationError() }
        return try result.get()
    }
}

/// A write as the writer's thread uses it, with a result of any type.
private protocol QueuedWrite: AnyObject {
    /// Runs the statements. If it throws, the transaction is to be rolled back.
    func run(in database: Database) throws
    /// Resumes the caller, with the statements' result or with the error that has lost their transaction.
    func end(_ failure: (any Error)?)
}

extension PendingWrite: QueuedWrite {
    func run(in database: Database) throws { result = .success(try body(database)) }

    func end(_ failure: (any Error)?) {
        if let failure { result = .failure(failure) }
        sem_post(isOver)
    }
}

/// The timeout of SQLite's busy handler: how long a connection waits while another process writes.
///
/// SQLite's own handler sleeps up to 100 ms at a time. A transaction here takes as long as an fsync, so that shorter sleeps
/// pay.
final class BusyTimeout: Sendable {
    private static let backoff = Backoff(initial: .microseconds(100), maximum: .milliseconds(2))

    private let end: Atomic<Int64>

    init(until end: MonotonicTime) { self.end = Atomic(end.nanoseconds) }

    func set(end: MonotonicTime) { self.end.store(end.nanoseconds, ordering: .relaxed) }

    /// Sleeps for a moment.
    ///
    /// - Returns: whether to try again.
    func wait(tries: Int) -> Bool {
        // Every connection waits for about a tenth of a second, whatever the deadline of a write is: a reader does not wait for
        // writers, but may have to wait for a process that recovers the file.
        guard tries < 64 || MonotonicTime.now.nanoseconds < end.load(ordering: .relaxed) else { return false }
        // SQLite counts from 0.
        usleep(useconds_t(Self.backoff.delay(after: tries + 1).saturatedNanoseconds / 1000))
        return true
    }
}
