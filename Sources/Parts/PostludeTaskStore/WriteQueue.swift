internal import GRDB
internal import Glibc
internal import PostludeSystem

/// Group commit: one thread takes all that waits, runs it in one transaction, and lets everybody go on once that is on
/// the disk. Knows no records.
// Unchecked: what varies is touched under `mutex` only. Synchronization's Mutex cannot be waited on with a condition.
final class WriteQueue: @unchecked Sendable {
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

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Waiting] = []
    private var notes: [Note] = []
    /// When the notes are written, though nothing else is.
    private var notesDue: MonotonicTime?
    /// Why the notes that are there could not be written yet.
    private var notesFailure: (any Error)?
    private var isClosing = false
    private var committed = 0
    private var thread: pthread_t?

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
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
        try start()
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// How many transactions have been committed.
    var transactions: Int { locked { committed } }

    /// How many callers wait.
    var waitingCount: Int { locked { waiting.count } }

    // MARK: Callers

    /// Runs statements in a transaction that they may share, and waits until they are on the disk.
    ///
    /// - Parameter body: may be called again where its transaction was lost; it changes nothing but the database.
    func perform<Value>(_ body: @escaping @Sendable (Database) throws -> Value) throws -> Value {
        let write = PendingWrite(body)
        let deadline = MonotonicTime.now + settings.lockTimeout
        let isDelivered = locked {
            guard !isClosing else { return false }
            waiting.append(Waiting(write: write, deadline: deadline))
            pthread_cond_signal(condition)
            return true
        }
        guard isDelivered else { throw TaskStoreError(.closed, path, "the task store is closed") }
        return try write.wait()
    }

    /// Has statements run with the next transaction; before those that begin to wait later.
    func note(_ note: @escaping Note) {
        let due = MonotonicTime.now + settings.noteDelay
        locked {
            notes.append(note)
            guard notesDue == nil else { return }
            notesDue = due
            pthread_cond_signal(condition)
        }
    }

    /// Waits until what was noted before is on the disk.
    func flush() throws {
        try perform { _ in }
        if let failure = locked({ notesFailure }) { throw failure }
    }

    /// Writes what is left, and ends the thread.
    func close() {
        let thread = locked {
            isClosing = true
            pthread_cond_signal(condition)
            defer { self.thread = nil }
            return self.thread
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
        thread = handle
    }

    private func writeAll() {
        while awaitWork() { writeNext() }
    }

    /// - Returns: false when the queue is closed and nothing is left that could be written.
    private func awaitWork() -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while waiting.isEmpty {
            if isClosing { return !notes.isEmpty }
            guard let notesDue else {
                pthread_cond_wait(condition, mutex)
                continue
            }
            guard notesDue > .now else { return true }
            var time = timespec(
                tv_sec: Int(notesDue.nanoseconds / 1_000_000_000),
                tv_nsec: Int(notesDue.nanoseconds % 1_000_000_000))
            pthread_cond_timedwait(condition, mutex, &time)
        }
        return true
    }

    private func writeNext() {
        do {
            let outcome = try pool.writeWithoutTransaction { database in
                try begin(in: database, until: locked { waiting.first?.deadline })
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
        locked {
            defer {
                waiting = []
                notes = []
                notesDue = nil
            }
            return Batch(writes: waiting.map(\.write), notes: notes)
        }
    }

    private func settle(_ outcome: Batch.Outcome) {
        locked {
            committed += outcome.transactions
            notesFailure = outcome.notesFailure
            // After the end they would never be written: what they record happens again.
            guard !outcome.notes.isEmpty, !isClosing else { return }
            notes = outcome.notes + notes
            notesDue = .now + Self.retryDelay
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
        var over: [Waiting] = []
        locked {
            over = waiting.filter { !isBusy || $0.deadline <= now }
            waiting.removeAll { !isBusy || $0.deadline <= now }
            if isClosing {
                notes = []
            } else if !notes.isEmpty {
                notesFailure = error
                notesDue = now + Self.retryDelay
            }
        }
        for one in over { one.write.end(error) }
        if over.isEmpty { settings.report(TaskStoreError(path, error)) }
    }

    private func locked<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }
}
