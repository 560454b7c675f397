internal import Glibc
internal import PostludeSystem
internal import PostludeTaskStore
internal import PostludeThreads

/// Group commit: one thread takes all waiting writes and notes, sends them as one transaction in one pipeline, and resumes the
/// callers when it is committed. It is independent of records.
final class WriteQueue: Sendable {
    private struct Waiting {
        let write: any QueuedWrite
        let deadline: MonotonicTime
        /// Whether it is better sent after the end of a claim.
        var followsClaim = false
    }

    /// How long a statement of a group waits for another transaction. After that, each write goes its own way, so that it does
    /// not delay the others.
    private static let lockTimeout = Duration.milliseconds(250)
    /// How long a write that is better sent after a claim waits for its end.
    private static let claimTimeout = Duration.milliseconds(20)
    /// The delay before a lost connection is made again.
    private static let connectionDelay = Duration.milliseconds(50)
    /// The delay before notes are tried again.
    private static let retryDelay = Duration.seconds(1)

    private let address: PostgreSQLAddress
    private let settings: TaskStoreSettings
    /// The life of this process as an owner; nil for a visitor.
    private let life: OwnerLife?
    private let session = Lock<Session?>(nil)

    private struct State {
        var waiting: [Waiting] = []
        var notes: [Note] = []
        /// When the notes are written even if there is no other write.
        var notesDue: MonotonicTime?
        /// Why the pending notes could not be written yet.
        var notesFailure: (any Error)?
        /// When the next attempt may be made, after a connection was lost.
        var pause: MonotonicTime?
        /// Until when writes wait for the end of a claim; nil if there is none.
        var claimDue: MonotonicTime?
        var isClosing = false
        /// Whether nothing is written any more.
        var isAbandoned = false
        var committed = 0
        /// Whether a failure to reach the server was reported since it was last reached.
        var isReported = false
    }

    private let state = ConditionLock(State())
    private let thread = Lock<WorkerThread?>(nil)

    init(_ address: PostgreSQLAddress, life: OwnerLife?, settings: TaskStoreSettings) throws {
        self.address = address
        self.life = life
        self.settings = settings
        let started = try WorkerThread(name: "task store") { [self] in writeAll() }
        thread.withLock { $0 = started }
    }

    /// The number of transactions that have been committed.
    var transactions: Int { state.withLock { $0.committed } }

    // MARK: Callers

    /// Runs a write in a transaction that others may share, and waits for its end.
    ///
    /// - Parameter followsClaim: whether it is better sent after the end of a claim of this process. Otherwise it finds a lock that
    ///   the claim has, or records that the claim is about to take.
    func perform(_ write: any QueuedWrite, afterClaim followsClaim: Bool = false) {
        let waiting = Waiting(
            write: write, deadline: .now + settings.lockTimeout, followsClaim: followsClaim)
        let isQueued = state.withLock { state in
            guard !state.isClosing else { return false }
            state.waiting.append(waiting)
            self.state.signal()
            return true
        }
        guard isQueued else { return write.end(.failed(ClosedPool())) }
        write.wait()
    }

    /// Notes that a claim of records with limits begins.
    func beginClaim() { state.withLock { $0.claimDue = .now + Self.claimTimeout } }

    /// Notes that it has ended.
    func endClaim() {
        state.withLock { state in
            state.claimDue = nil
            self.state.signal()
        }
    }

    /// Runs statements with the next transaction, before those of callers that begin to wait later.
    func note(_ statements: @escaping @Sendable (WriteContext) -> [Statement]) {
        let due = MonotonicTime.now + settings.noteDelay
        let note = Note(generation: life?.generation ?? 0, statements: statements)
        state.withLock { state in
            guard !state.isClosing else { return }
            state.notes.append(note)
            guard state.notesDue == nil else { return }
            state.notesDue = due
            self.state.signal()
        }
    }

    /// Why the last notes could not be written; nil if they were.
    var failure: (any Error)? { state.withLock { $0.notesFailure } }

    /// Whether notes are waiting to be written.
    var hasNotes: Bool { state.withLock { !$0.notes.isEmpty } }

    /// Waits until all earlier notes are at the server.
    func flush() throws {
        let write = PendingWrite<Void>({ _ in [] }, { _ in })
        perform(write)
        if case .failure(let error) = write.result { throw error }
        if let failure = state.withLock({ $0.notesFailure }) { throw failure }
    }

    /// Writes everything that is pending, and a last write after that, and ends the thread.
    func close(with last: (any QueuedWrite)?) {
        let deadline = MonotonicTime.now + settings.lockTimeout
        end { state in
            guard !state.isClosing else { return }
            state.isClosing = true
            if let last { state.waiting.append(Waiting(write: last, deadline: deadline)) }
        }
    }

    /// Ends the thread, and writes nothing.
    func abandon() {
        end { state in
            state.isClosing = true
            state.isAbandoned = true
            state.notes = []
        }
    }

    private func end(_ change: (inout State) -> Void) {
        state.withLock { state in
            change(&state)
            self.state.signal()
        }
        let started = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        started?.join()
        session.withLock { $0 = nil }
    }

    // MARK: The thread

    private func writeAll() {
        while awaitWork() { writeNext() }
    }

    /// - Returns: false if the queue is closed and nothing is left to write.
    private func awaitWork() -> Bool {
        state.wait { state in
            if state.isAbandoned, state.waiting.isEmpty { return .stop(false) }
            if state.isClosing, state.waiting.isEmpty, state.notes.isEmpty { return .stop(false) }
            if let pause = state.pause, pause > .now { return .wait(until: pause) }
            if let due = state.claimDue, due > .now, !state.isClosing,
                state.waiting.contains(where: \.followsClaim)
            {
                return .wait(until: due)
            }
            if !state.waiting.isEmpty || state.isClosing { return .stop(true) }
            guard let due = state.notesDue else { return .wait(until: nil) }
            return due > .now ? .wait(until: due) : .stop(true)
        }
    }

    private func writeNext() {
        guard let owner = WriteContext(of: life) else {
            return endOverdue(PostgreSQLError.connection("not an owner yet"))
        }
        let session: Session
        do throws(PostgreSQLError) {
            session = try connected()
        } catch {
            return endOverdue(error)
        }
        var (writes, notes) = take()
        notes.removeAll { $0.generation != owner.generation }
        let failures = commit(writes.map(\.write), notes, owner, session)
        switch failures {
        case nil:
            state.withLock { state in
                state.committed += 1
                state.notesFailure = nil
                state.isReported = false
                state.pause = nil
            }
            for waiting in writes { waiting.write.end(.committed) }
            settings.written()
        case let failure? where failure.isDisconnected:
            // Whether the transaction was committed is unknown. All of it can be repeated.
            for waiting in writes { waiting.write.noteRepetition() }
            giveBack(writes, notes)
            endOverdue(failure)
        case let failure? where failure.state == PostgreSQLError.declaredDead:
            giveBack(writes, [])
            loseOwner(owner, failure)
        case let failure?:
            splitUp(writes, notes, owner, session, failure)
        }
    }

    /// Runs the parts of a group, one of which has failed, in transactions of their own: the notes, then each write, which its
    /// caller runs itself.
    private func splitUp(
        _ writes: [Waiting], _ notes: [Note], _ owner: WriteContext, _ session: Session,
        _ failure: PostgreSQLError
    ) {
        var rest: [Note] = []
        var mistakes: [PostgreSQLError] = []
        var failure = failure
        if !notes.isEmpty {
            for (index, note) in notes.enumerated() {
                guard let error = commit([], [note], owner, session) else { continue }
                // A note that would fail again is dropped: it would block all later ones.
                if !error.mayPass, error.state != PostgreSQLError.declaredDead {
                    mistakes.append(error)
                    continue
                }
                failure = error
                rest = Array(notes[index...])
                break
            }
        }
        guard rest.isEmpty else {
            giveBack([], failure.state == PostgreSQLError.declaredDead ? [] : rest)
            if failure.state == PostgreSQLError.declaredDead { loseOwner(owner, failure) }
            state.withLock { state in
                state.notesFailure = failure
                state.notesDue = .now + Self.retryDelay
                // While the queue is closing, notes that have failed are dropped: their attempts are made again.
                if state.isClosing { state.notes = [] }
            }
            settings.report(TaskStoreError(address.place, failure))
            // The writes follow the notes, which are not written: a caller is told so, or waits.
            for waiting in writes {
                if failure.isDisconnected || failure.state == PostgreSQLError.declaredDead {
                    giveBack([waiting], [])
                } else {
                    waiting.write.end(.failed(failure))
                }
            }
            return
        }
        state.withLock { $0.notesFailure = nil }
        for mistake in mistakes { settings.report(TaskStoreError(address.place, mistake)) }
        for waiting in writes { waiting.write.end(.alone) }
    }

    /// Sends a transaction, and reads its results into the writes.
    ///
    /// - Returns: why it was not committed; nil if it was.
    private func commit(
        _ writes: [any QueuedWrite], _ notes: [Note], _ owner: WriteContext, _ session: Session
    ) -> PostgreSQLError? {
        do throws(PostgreSQLError) {
            var statements = Self.beginning(owner)
            let head = statements.count
            for note in notes { statements += note.statements(owner) }
            var ranges: [Range<Int>] = []
            for write in writes {
                let start = statements.count
                statements += write.statements(owner)
                ranges.append(start..<statements.count)
            }
            // A flush has no statements, and needs no transaction.
            if statements.count == head { return nil }
            statements.append(Statement("COMMIT"))
            let rows = try Self.results(of: try session.pipeline(statements), session)
            guard rows.last?.command == "COMMIT" else { throw .unexpected("no commit") }
            for (write, range) in zip(writes, ranges) { try write.read(Array(rows[range])) }
            return nil
        } catch {
            session.rollBack()
            return error
        }
    }

    static func beginning(_ owner: WriteContext) -> [Statement] {
        [Statement("BEGIN")]
            + (owner.owner.map { [Statement("SELECT postlude.fence($1)::text", [.integer($0)])] } ?? [])
    }

    static func results(
        of outcomes: [Result<Rows, PostgreSQLError>], _ session: Session
    ) throws(PostgreSQLError) -> [Rows] {
        var rows: [Rows] = []
        var failure: PostgreSQLError?
        for outcome in outcomes {
            switch outcome {
            case .success(let some): rows.append(some)
            case .failure(.aborted): break
            case .failure(let error): failure = failure ?? error
            }
        }
        if let failure { throw failure }
        guard rows.count == outcomes.count else { throw .aborted }
        return rows
    }

    private func connected() throws(PostgreSQLError) -> Session {
        if let session = session.withLock({ $0 }), !session.isBroken { return session }
        session.withLock { $0 = nil }
        let new = try Session(
            address, Session.Limits(lockTimeout: Self.lockTimeout, answerTimeout: .seconds(10)))
        session.withLock { $0 = new }
        return new
    }

    private func take() -> (writes: [Waiting], notes: [Note]) {
        state.withLock { state in
            defer {
                state.waiting = []
                state.notes = []
                state.notesDue = nil
            }
            return (state.waiting, state.notes)
        }
    }

    private func giveBack(_ writes: [Waiting], _ notes: [Note]) {
        state.withLock { state in
            state.waiting = writes + state.waiting
            state.notes = notes + state.notes
            if !state.notes.isEmpty, state.notesDue == nil { state.notesDue = .now }
        }
    }

    /// The records of this process have been taken over: what it knows about them is void.
    private func loseOwner(_ owner: WriteContext, _ failure: PostgreSQLError) {
        if let number = owner.owner { life?.noteLoss(of: number) }
        settings.report(TaskStoreError(address.place, failure))
        endOverdue(failure)
    }

    /// Handles the failure to reach the server: ends the writes whose deadline has passed, and tries again soon.
    private func endOverdue(_ error: PostgreSQLError) {
        let now = MonotonicTime.now
        let mayPass = error.isDisconnected || error.state == PostgreSQLError.declaredDead
        let (over, isNews) = state.withLock { state in
            let over = state.waiting.filter { !mayPass || $0.deadline <= now }
            state.waiting.removeAll { !mayPass || $0.deadline <= now }
            if !state.notes.isEmpty { state.notesFailure = error }
            if state.isClosing, state.waiting.isEmpty { state.notes = [] }
            state.pause = now + Self.connectionDelay
            defer { state.isReported = true }
            return (over, !state.isReported)
        }
        for waiting in over { waiting.write.end(.failed(error)) }
        if isNews { settings.report(TaskStoreError(address.place, error)) }
    }
}

/// What the statements of a write depend on when it is sent.
struct WriteContext: Sendable {
    /// The number of this process as an owner; nil for a visitor.
    let owner: Int64?
    /// How often this process has become a new owner.
    let generation: Int
    /// Whether an earlier attempt may have been committed.
    var isRepeated = false

    /// Whether a note may change a record without an owner. After this process was cut off, such a record may have been its own,
    /// and was taken over.
    var isLenient: Bool { generation == 0 }
}

extension WriteContext {
    /// - Parameter life: the life of this process as an owner; nil for a visitor.
    /// - Returns: nil if the owner has been declared dead, and there is no new one yet.
    init?(of life: OwnerLife?) {
        guard let life else {
            self.init(owner: nil, generation: 0)
            return
        }
        guard let current = life.current else { return nil }
        self.init(owner: current.number, generation: current.generation)
    }
}

/// Statements of asynchronous writes. They may be run again although they were committed.
private struct Note: Sendable {
    /// What it says is void if this process has become another owner since.
    let generation: Int
    let statements: @Sendable (WriteContext) -> [Statement]
}

/// How the group of a write has ended.
enum WriteEnd {
    case committed
    /// The caller runs the write itself, in a transaction of its own.
    case alone
    case failed(any Error)
}

/// A write as the writer's thread uses it, with a result of any type.
protocol QueuedWrite: AnyObject, Sendable {
    func statements(_ context: WriteContext) -> [Statement]
    /// Takes the results of the statements.
    func read(_ rows: [Rows]) throws(PostgreSQLError)
    /// Notes that it may have been committed although it is tried again.
    func noteRepetition()
    /// Resumes the caller.
    func end(_ end: WriteEnd)
    func wait()
}

/// The statements of one caller, which waits for their result.
// Unchecked: only the writer's thread changes it while the caller waits, and only the caller before and after that.
final class PendingWrite<Value: Sendable>: QueuedWrite, @unchecked Sendable {
    private let make: @Sendable (WriteContext) -> [Statement]
    private let take: @Sendable ([Rows]) throws(PostgreSQLError) -> Value
    /// The result; nil if the caller is to run the statements itself.
    private(set) var result: Result<Value, any Error>?
    /// Whether an attempt may have been committed although it seemed to fail.
    private(set) var isRepeated = false
    private let isOver = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    /// - Parameters:
    ///   - statements: called again if the transaction is lost.
    ///   - read: converts their results.
    init(
        _ statements: @escaping @Sendable (WriteContext) -> [Statement],
        _ read: @escaping @Sendable ([Rows]) throws(PostgreSQLError) -> Value
    ) {
        make = statements
        take = read
        sem_init(isOver, 0, 0)
    }

    deinit {
        sem_destroy(isOver)
        isOver.deallocate()
    }

    func statements(_ context: WriteContext) -> [Statement] {
        var context = context
        context.isRepeated = isRepeated
        return make(context)
    }

    func read(_ rows: [Rows]) throws(PostgreSQLError) { result = .success(try take(rows)) }

    func noteRepetition() { isRepeated = true }

    func end(_ end: WriteEnd) {
        switch end {
        case .committed: break
        case .alone: result = nil
        case .failed(let error): result = .failure(error)
        }
        sem_post(isOver)
    }

    func wait() { while sem_wait(isOver) != 0 {} }
}
