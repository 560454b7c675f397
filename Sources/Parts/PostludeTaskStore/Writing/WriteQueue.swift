internal import GRDB
internal import Glibc
internal import PostludeSystem
internal import Synchronization

/// Group commit: one thread takes all writes that wait, runs them in one transaction, and lets their callers go on once that
/// is on the disk. It does not know records.
final class WriteQueue: Sendable {
    private struct Waiting {
        let write: any QueuedWrite
        let deadline: MonotonicTime
    }

    /// When notes are tried again.
    private static let retryDelay = Duration.seconds(1)

    private let pool: DatabasePool
    private let patience: BusyTimeout
    private let checkpointer: Checkpointer
    private let confirm: @Sendable (Database) throws -> Void
    private let settings: TaskStoreSettings
    private let path: String

    private struct State {
        var waiting: [Waiting] = []
        var notes: [Note] = []
        /// When the notes are written, though nothing else is.
        var notesDue: MonotonicTime?
        /// Why the notes that are there could not be written yet.
        var notesFailure: (any Error)?
        var isClosing = false
        var committed = 0
        var thread: pthread_t?
    }

    private let state = ConditionLock(State())

    /// - Parameters:
    ///   - patience: what the pool's busy handler asks.
    ///   - confirm: called at the beginning of each transaction; where it throws nothing is written.
    init(
        _ pool: DatabasePool, patience: BusyTimeout, checkpointer: Checkpointer, path: String,
        settings: TaskStoreSettings, confirm: @escaping @Sendable (Database) throws -> Void
    ) throws(SystemError) {
        self.pool = pool
        self.patience = patience
        self.checkpointer = checkpointer
        self.path = path
        self.settings = settings
        self.confirm = confirm
        try start()
    }

    /// How many transactions have been committed.
    var transactions: Int { state.withLock { $0.committed } }

    /// How many callers wait.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    // MARK: Callers

    /// Runs statements in a transaction that they may share, and waits until they are on the disk.
    ///
    /// - Parameter body: may be called again where its transaction was lost; it changes nothing but the database.
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

    /// Has statements run with the next transaction; before those that begin to wait later.
    func note(_ note: @escaping Note) {
        let due = MonotonicTime.now + settings.noteDelay
        state.withLock { state in
            state.notes.append(note)
            guard state.notesDue == nil else { return }
            state.notesDue = due
            self.state.signal()
        }
    }

    /// Waits until what was noted before is on the disk.
    func flush() throws {
        try perform { _ in }
        if let failure = state.withLock({ $0.notesFailure }) { throw failure }
    }

    /// Writes what is left, and ends the thread.
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

    /// - Returns: false when the queue is closed and nothing is left that could be written.
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
            let outcome = try pool.writeWithoutTransaction { database in
                try begin(in: database, until: state.withLock { $0.waiting.first?.deadline })
                // Not before the transaction has begun: who came while others wrote is in it.
                return take().commit(in: database) { try begin(in: database, until: nil) }
            }
            settle(outcome)
        } catch {
            endThoseOverdue(error)
        }
        if checkpointer.isDue { checkpoint() }
    }

    /// Its callers have been let go on before.
    private func checkpoint() {
        try? pool.writeWithoutTransaction { database in
            // Where others write just now, the next commit's checkpoint moves these pages, too.
            patience.last(until: .now)
            try database.run("BEGIN IMMEDIATE")
            checkpointer.run()
            try database.run("COMMIT")
        }
    }

    /// - Parameter deadline: until when it waits for other processes; nil for as long as a new write would.
    private func begin(in database: Database, until deadline: MonotonicTime?) throws {
        patience.last(until: deadline ?? .now + settings.lockTimeout)
        try database.run("BEGIN IMMEDIATE")
        do {
            try confirm(database)
        } catch {
            try? database.rollback()
            throw error
        }
    }

    private func take() -> Batch {
        state.withLock { state in
            defer {
                state.waiting = []
                state.notes = []
                state.notesDue = nil
            }
            return Batch(writes: state.waiting.map(\.write), notes: state.notes)
        }
    }

    private func settle(_ outcome: Batch.Outcome) {
        state.withLock { state in
            state.committed += outcome.transactions
            state.notesFailure = outcome.notesFailure
            // After the end they would never be written: what they record happens again.
            guard !outcome.notes.isEmpty, !state.isClosing else { return }
            state.notes = outcome.notes + state.notes
            state.notesDue = .now + Self.retryDelay
        }
        // No caller goes on before the queue knows what became of all.
        for end in outcome.ends { end.write.end(end.failure) }
        let failures = [outcome.notesFailure].compactMap(\.self) + outcome.mistakes
        for failure in failures { settings.report(TaskStoreError(path, failure)) }
    }

    /// No transaction could begin.
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

/// What shares a transaction.
private struct Batch {
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

/// One caller's statements, and the caller, who waits for what becomes of them.
// Unchecked: the caller makes it and reads the result after the semaphore, the writer's thread does the rest.
private final class PendingWrite<Value>: @unchecked Sendable {
    private let body: @Sendable (Database) throws -> Value
    private var result: Result<Value, any Error>?
    private let isOver = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// - Parameter body: may be called again where its transaction was lost; it changes nothing but the database.
    init(_ body: @escaping @Sendable (Database) throws -> Value) {
        self.body = body
        sem_init(isOver, 0, 0)
    }

    deinit {
        sem_destroy(isOver)
        isOver.deallocate()
    }

    /// Waits, on the caller's thread, until the statements are committed and on the disk, or are undone.
    func wait() throws -> Value {
        while sem_wait(isOver) != 0 {}
        // The thread that signals has set it.
        guard let result else { throw CancellationError() }
        return try result.get()
    }
}

/// What the writer's thread sees of a write.
private protocol QueuedWrite: AnyObject {
    /// Runs the statements; undone, should they fail.
    ///
    /// - Throws: where the whole transaction is lost, not only what belongs to this write.
    func run(in database: Database) throws
    /// Lets the caller go on: with the statements' own result, or with what has befallen all.
    func end(_ failure: (any Error)?)
}

extension PendingWrite: QueuedWrite {
    func run(in database: Database) throws {
        result = nil
        try database.run("SAVEPOINT request")
        do {
            let value = try body(database)
            try database.run("RELEASE request")
            result = .success(value)
        } catch {
            // A full disk or a failed write may have ended the transaction itself.
            guard database.isInsideTransaction else { throw error }
            try database.run("ROLLBACK TO request")
            try database.run("RELEASE request")
            result = .failure(error)
        }
    }

    func end(_ failure: (any Error)?) {
        if let failure { result = .failure(failure) }
        sem_post(isOver)
    }
}

/// How long a connection waits while another process writes: what SQLite's busy handler asks.
///
/// SQLite's own one sleeps up to 100 ms at a time. A transaction here takes as long as an fsync, so that asking more
/// often pays.
final class BusyTimeout: Sendable {
    private let end: Atomic<Int64>

    init(until end: MonotonicTime) { self.end = Atomic(end.nanoseconds) }

    func last(until end: MonotonicTime) { self.end.store(end.nanoseconds, ordering: .relaxed) }

    /// - Returns: whether to try again, after a while.
    func wait(tries: Int) -> Bool {
        // The first tenth of a second is everybody's: a reader waits for no writer, but perhaps for one that recovers
        // the file, whatever the end of another one's wait is.
        guard tries < 64 || MonotonicTime.now.nanoseconds < end.load(ordering: .relaxed) else { return false }
        usleep(useconds_t(min(2_000, 100 << min(tries, 5))))
        return true
    }
}
