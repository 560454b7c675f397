package import FoundationEssentials
internal import Logging
package import Postlude
internal import PostludeSystem
internal import PostludeTaskStore

/// A durable task that runs in this program, with its record.
final class LocalDurableTask: RecordedTask {
    private enum Content {
        case task(any DurableTask)
        /// Decoded within the attempt, like the task itself: decoding runs the application's code, which can crash the process.
        case payload(Record, DurableTaskKind, version: Int)
    }

    private struct State {
        var id: RecordID
        /// The task store that has the task; nil until it is stored.
        var access: TaskStoreAccess?
        var runsHere: Bool
        var stopsOnFailure: Bool
        var receipt: PersistedDurableTask?
        var result: Data?
        /// Whether its end was committed together with its effects.
        var isCommitted = false
        /// Whether it was given back to the task store because it is paused.
        var isLeft = false
        /// The records that the running attempt adds; nil if no attempt is running.
        var added: NewRequest?
        /// Whether a part of the attempt runs in a transaction.
        var isInTransaction = false
        /// The steps of its attempts; nil if it has taken none.
        var steps: TaskSteps?
        /// Whether it has reported its progress.
        var hasProgress = false
    }

    /// The largest number of tasks that an attempt adds.
    static let addedLimit = 1000

    let record: NewRecord
    let earlierAttempts: Int
    let earlierDeaths: Int
    let due: MonotonicTime?
    /// Whether this process has added it, so that no other one has made an attempt.
    private let isNew: Bool
    private let content: Content
    private let policy: DurablePolicy
    private let state: Lock<State>

    /// Makes a task whose record is still to be written.
    ///
    /// - Parameter record: a record with an id.
    init(_ task: any DurableTask, kind: DurableTaskKind, record: NewRecord) {
        content = .task(task)
        self.record = record
        policy = kind.policy
        earlierAttempts = 0
        earlierDeaths = 0
        due = nil
        isNew = true
        let id = record.id ?? RecordID.make(at: 0)
        state = Lock(
            State(
                id: id, runsHere: record.notBefore == nil && record.queue == nil,
                stopsOnFailure: record.stopsOnFailure))
    }

    /// Makes a task of a record that this process has claimed.
    ///
    /// - Parameters:
    ///   - task: the decoded task, if the payload is decoded already.
    ///   - version: the version of the payload.
    init(
        _ kind: DurableTaskKind, claimed record: Record, as task: (any DurableTask)? = nil,
        version: Int = RecordShape.firstVersion, in access: TaskStoreAccess
    ) {
        content = task.map { .task($0) } ?? .payload(record, kind, version: version)
        var copy = NewRecord(name: record.name, payload: record.payload)
        copy.id = record.id
        copy.expires = record.expires
        copy.uniqueKey = record.uniqueKey
        copy.limitKey = record.limitKey
        self.record = copy
        policy = kind.policy
        earlierAttempts = record.attempts
        earlierDeaths = record.deaths
        // At most a year: the clock of another machine may be wrong.
        let age = min(max(0, -record.due.timeIntervalSinceNow), 31_536_000)
        due = MonotonicTime.now + .milliseconds(-Int64(age * 1000))
        isNew = false
        state = Lock(
            State(
                id: record.id, access: access, runsHere: true, stopsOnFailure: record.stopsOnFailure))
    }

    var id: String { state.withLock { $0.id.text } }
    var name: String { record.name }
    var arguments: [any Sendable] { if case .task(let task) = content { [task] } else { [] } }
    var deadline: Duration? { policy.deadline }
    var retry: RetryPolicy { policy.retry }
    var runsHere: Bool { state.withLock { $0.runsHere } }
    /// A task with a limit frees its place until its next attempt.
    var leavesBetweenAttempts: Bool { record.limitKey != nil }
    /// Whether the later tasks of the request do not run if this one fails for good. False for a task of a broker's queue,
    /// whose result is not known here.
    var stopsOnFailure: Bool { state.withLock { $0.stopsOnFailure } && record.queue == nil }
    var receipt: PersistedDurableTask? { state.withLock { $0.receipt } }
    var isLeft: Bool { state.withLock { $0.isLeft } }
    var waitsHere: Bool { state.withLock { $0.access?.isOffline ?? true } }

    func didPersist(
        _ result: AppendResult, as record: NewRecord, of request: TaskOrigin, in access: TaskStoreAccess,
        runsHere: Bool
    ) {
        state.withLock { state in
            state.access = access
            state.id = result.id
            state.stopsOnFailure = record.stopsOnFailure
            state.receipt = PersistedDurableTask(result, as: record, of: request)
            if record.leavesInTurn, record.notBefore == nil { state.runsHere = true }
            if record.maybeWaits, !access.taskStore.ownsAtOnce(result.id) { state.runsHere = false }
            // Does not run here either if another record with its unique key exists.
            if !runsHere || result.id != record.id { state.runsHere = false }
        }
    }

    func run() async throws {
        guard let context = TaskContext.current else { throw NoContext() }
        do {
            let result = try await decoded().result(context)
            let steps = state.withLock { state in
                state.result = result
                return state.steps
            }
            try steps?.end()
        } catch {
            let (isCommitted, steps) = state.withLock { ($0.isCommitted, $0.steps) }
            // Its work is done, and its end is written: nothing can make another attempt of it.
            guard isCommitted else {
                // It sleeps, whatever it has made of the error by which it was to do so.
                if steps?.wake != nil { try steps?.end() }
                throw error
            }
            Logger.current.warning(
                "a durable task has thrown after its transaction was committed, which has ended it",
                metadata: ["task": "\(name)", "id": "\(id)", "error": "\(Self.text(error))"])
        }
    }

    /// Adds a record that is stored when the attempt has succeeded, by the same transaction as its end.
    ///
    /// - Parameter origin: the request of this task.
    /// - Throws: ``DurableTaskError`` if the attempt is over, or has added as many records as it may.
    func add(_ child: NewRecord, of origin: TaskOrigin) throws {
        let (name, limit) = (name, Self.addedLimit)
        try state.withLock { state in
            guard var added = state.added else {
                throw DurableTaskError.taskIsOver(task: child.name, in: name)
            }
            guard added.records.count < limit else {
                throw DurableTaskError.tooMany(task: child.name, limit: limit)
            }
            (added.id, added.route) = (origin.requestID, origin.route)
            added.records.append(child)
            state.added = added
        }
    }

    /// Returns the records that the attempt has added; nil if there are none. It can add no others.
    private func takeAdded() -> NewRequest? {
        state.withLock { state in
            defer { state.added = nil }
            return state.added.flatMap { $0.records.isEmpty ? nil : $0 }
        }
    }

    /// Has the records that the attempt has added run, or published.
    private func didAdd(_ added: NewRequest?, in access: TaskStoreAccess) {
        guard let added else { return }
        if added.records.contains(where: { $0.queue != nil }) { access.outbox?.wake(behindNotes: true) }
        access.wake()
    }

    /// Returns the task. Called within the attempt.
    private func decoded() throws -> any DurableTask {
        switch content {
        case .task(let task): return task
        case .payload(let record, let kind, let version):
            guard let access = state.withLock({ $0.access }) else { throw NoContext() }
            do {
                let task = try kind.decode(record.payload, version: version)
                if let shape = record.shape { access.shapes.didRead(shape) }
                return task
            } catch {
                let error = UndecodableTask(kind: "\(kind.type)", error: error)
                guard let shape = record.shape else { throw error }
                let end = access.shapes.didNotRead(
                    record.summary, shape, Self.text(error), in: access.taskStore, Logger.current)
                throw UnreadableTask(error: error, end: end)
            }
        }
    }

    /// Runs a part of the attempt in a transaction, which also contains the end of the task.
    func transaction<Value>(
        _ context: TaskContext, _ body: (any RecordTransaction) throws -> Value
    ) throws -> Value {
        let (id, access, isCommitted) = state.withLock { ($0.id, $0.access, $0.isCommitted) }
        guard let access, !isCommitted else { throw DurableTaskError.noTransaction(task: name) }
        state.withLock { $0.isInTransaction = true }
        defer { state.withLock { $0.isInTransaction = false } }
        let (value, added) = try access.taskStore.transaction(.write) { transaction in
            transaction.cancel { context.isCancelled }
            let value = try body(transaction)
            // Its attempt has been given up, and another one may follow.
            if context.isCancelled { throw CancellationError() }
            let result = (value as? any Encodable).flatMap { try? StoredValues.encode($0) }
            let added = state.withLock { $0.added }
            for request in added?.separated ?? [] { _ = try transaction.append(request) }
            try transaction.end(id, .done(result: result), attempts: context.attempt)
            return (value, added)
        }
        state.withLock { state in
            state.isCommitted = true
            state.added = nil
        }
        didAdd(added, in: access)
        return value
    }

    /// The steps of the running attempt.
    func steps() throws(TaskStepError) -> TaskSteps {
        let steps = state.withLock { state -> TaskSteps? in
            guard let access = state.access, !state.isCommitted, !state.isInTransaction else { return nil }
            if let steps = state.steps { return steps }
            let steps = TaskSteps(
                of: state.id, task: name, in: access.taskStore, isOffline: access.isOffline, isNew: isNew)
            state.steps = steps
            return steps
        }
        guard let steps else { throw .unavailable(task: name) }
        return steps
    }

    /// Takes a report of the running attempt.
    func report(_ progress: RecordProgress) {
        let (id, access) = state.withLock { state in
            state.hasProgress = true
            return (state.id, state.access)
        }
        guard let access else { return }
        access.progress.report(progress, of: id, to: access.taskStore)
    }

    func reroutingQueue(isPastDeadline: Bool, isLast: Bool) -> String? {
        guard let rerouting = policy.rerouting else { return nil }
        let isOccasion =
            isPastDeadline && rerouting.occasions.contains(.deadline)
            || isLast && rerouting.occasions.contains(.attempts)
        return isOccasion ? rerouting.destination.queue : nil
    }

    func beginAttempt() -> Bool {
        let (id, access, steps) = state.withLock { ($0.id, $0.access, $0.steps) }
        if let access, access.holdsBack(id, record) {
            let isCancelled = access.control.cancellation(of: id) != nil
            state.withLock { $0.isLeft = !isCancelled }
            return false
        }
        if let access, let queue = record.queue {
            access.send(id, to: queue)
            return false
        }
        steps?.begin()
        let taskStore = access?.taskStore
        if let expires = record.expires, expires <= Date() {
            taskStore?.ended(id, .expired)
            return false
        }
        taskStore?.started(id)
        state.withLock { $0.added = NewRequest(id: "", records: []) }
        return true
    }

    func blame() {
        let (id, taskStore) = state.withLock { ($0.id, $0.access?.taskStore) }
        taskStore?.blame(id)
    }

    func ended(_ result: AttemptResult) {
        let (id, access, output, wake, hasProgress) = state.withLock {
            ($0.id, $0.access, $0.result, $0.steps?.wake, $0.hasProgress)
        }
        let added = takeAdded()
        guard let access else { return }
        let taskStore = access.taskStore
        if hasProgress { access.progress.end(id, to: taskStore) }
        func move(to queue: String?, _ reason: String) -> Bool {
            guard let queue else { return false }
            taskStore.ended(id, .moved(queue: queue, reason: reason))
            access.outbox?.wake(behindNotes: true)
            return true
        }
        switch result {
        case .done:
            taskStore.ended(id, .done(result: output, adding: added))
            didAdd(added, in: access)
        case .retried(let error, let delay) where leavesBetweenAttempts:
            taskStore.ended(id, .again(error: Self.text(error), at: Date().advanced(by: delay)))
        case .retried(let error, _): taskStore.ended(id, .retrying(error: Self.text(error)))
        case .failed(let error): taskStore.ended(id, .failed(error: Self.text(error)))
        case .postponed(let error, let delay, counts: true) where !access.isOffline:
            taskStore.ended(id, .again(error: Self.text(error), at: Date().advanced(by: delay)))
        case .postponed(let error, _, counts: true): taskStore.ended(id, .retrying(error: Self.text(error)))
        case .postponed(_, let delay, counts: false):
            taskStore.ended(
                id, .postponed(until: wake ?? Date().advanced(by: delay), isKept: access.isOffline))
        case .discarded(let reason): taskStore.ended(id, .abandoned(error: Self.text(reason)))
        case .dropped: taskStore.ended(id, .discarded)
        case .cancelled: access.cancelled(id)
        case .stopped(let name, let blocker): access.stopped(id, by: name, blocker)
        case .moved(let error, _): _ = move(to: policy.rerouting?.destination.queue, Self.text(error))
        case .released(let error as UnreadableTask): taskStore.ended(id, error.end)
        case .released(let error) where move(to: shutdownQueue, error.map(Self.text) ?? "the process ended"):
            break
        case .released(let error?): taskStore.ended(id, .again(error: Self.text(error), at: Date()))
        case .released(nil): taskStore.ended(id, .released)
        // Without rerouting, the record keeps its owner until the process is dead: no other process begins the task while it
        // still runs.
        case .cutOff: _ = move(to: shutdownQueue, "the process ended during the attempt")
        }
    }

    private var shutdownQueue: String? {
        guard let rerouting = policy.rerouting, rerouting.occasions.contains(.shutdown) else { return nil }
        return rerouting.destination.queue
    }

    /// Returns the error's text, cut to 4000 characters: an error can contain a whole response.
    private static func text(_ error: any Error) -> String { text("\(error)") }
    private static func text(_ text: String) -> String { String(text.prefix(4000)) }

    private struct NoContext: Error {}
}

extension DurableTask {
    /// Runs one attempt.
    ///
    /// - Returns: the result as JSON; nil if it is not `Encodable`.
    package func result(_ context: TaskContext) async throws -> Data? {
        let output = try await run(context)
        guard let output = output as? any Encodable else { return nil }
        // The attempt has succeeded: a result that JSON cannot represent, such as NaN, must not cause another one.
        return try? StoredValues.encode(output)
    }
}

/// A stored payload that this version of the program cannot decode, and another one may.
private struct UnreadableTask: UnreadableTaskError, CustomStringConvertible {
    let error: UndecodableTask
    /// How the attempt has ended.
    let end: RecordEnd

    var description: String { error.description }
}

/// A stored payload that cannot be decoded as its kind. Further attempts of this program would fail, too.
private struct UndecodableTask: PermanentTaskError, CustomStringConvertible {
    let kind: String
    let error: any Error

    var description: String { "its values are not those of \(kind): \(error)" }
}
