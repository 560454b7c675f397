internal import PostludeLogOutput
internal import PostludeSystem
internal import Synchronization

/// A task: a function with its arguments, queued by a handler.
@usableFromInline
final class BackgroundTask: Sendable {
    @usableFromInline
    enum Function: Sendable {
        case sync(@Sendable () throws -> Void)
        case async(@Sendable () async throws -> Void)
    }

    /// The name that was given; nil if the place where the task was added is its name.
    private let givenName: String?
    private let place: (fileID: StaticString, line: UInt)
    let function: Function
    let options: TaskOptions
    private let listArguments: @Sendable () -> [any Sendable]
    private let progress = Atomic<Int>(TaskHandle.State.queued.rawValue)
    private let attemptCount: Atomic<Int>
    private let pastDeadline = Atomic<Bool>(false)
    private let cancellationRequested = Atomic<Bool>(false)
    /// The task as its store sees it; nil for an ordinary task.
    let stored: (any PersistedTask)?
    private let persistence = Atomic<Int>(Persistence.no)
    private let callNumber = Atomic<Int>(0)
    private let failedCall = Atomic<Bool>(false)
    /// The time since which the next attempt could begin, in nanoseconds.
    private let dueNanoseconds: Atomic<Int64>

    private enum Persistence {
        static let no = 0
        /// Its store is persisting it.
        static let begun = 1
        static let done = 2
    }

    @usableFromInline
    init(
        name: String?, place: (fileID: StaticString, line: UInt) = ("", 0),
        options: TaskOptions = TaskOptions(),
        arguments: @escaping @Sendable () -> [any Sendable] = { [] }, function: Function
    ) {
        givenName = name
        self.place = place
        self.options = options
        self.function = function
        listArguments = arguments
        attemptCount = Atomic(0)
        dueNanoseconds = Atomic(MonotonicTime.now.nanoseconds)
        stored = nil
    }

    init(_ stored: any PersistedTask) {
        givenName = stored.name
        place = ("", 0)
        options = TaskOptions(
            deadline: stored.deadline, retry: stored.retry, stopOnFailure: stored.stopsOnFailure)
        function = .async { try await stored.run() }
        listArguments = { stored.arguments }
        attemptCount = Atomic(stored.earlierAttempts)
        dueNanoseconds = Atomic((stored.due ?? .now).nanoseconds)
        self.stored = stored
    }

    /// The given name, or the place where the task was added. Composed on each access.
    var name: String { givenName ?? "\(place.fileID):\(place.line)" }

    /// The arguments of the function; empty for a closure.
    var arguments: [any Sendable] { listArguments() }

    var isAsync: Bool {
        if case .async = function { true } else { false }
    }

    var state: TaskHandle.State {
        TaskHandle.State(rawValue: progress.load(ordering: .acquiring)) ?? .queued
    }

    /// The number of attempts, including a running one and those of other processes.
    var attempts: Int { attemptCount.load(ordering: .relaxed) }

    /// The number of attempts that count towards the retry policy if the last one fails.
    var failures: Int { attempts - (stored?.earlierDeaths ?? 0) }

    /// The time since which the next attempt could begin: that at which the task was added, or the end of the delay before
    /// another attempt.
    var due: MonotonicTime {
        get { MonotonicTime(nanoseconds: dueNanoseconds.load(ordering: .relaxed)) }
        set { dueNanoseconds.store(newValue.nanoseconds, ordering: .relaxed) }
    }

    /// Makes the attempt that has ended one that does not count.
    func uncountAttempt() { attemptCount.subtract(1, ordering: .relaxed) }

    /// Whether the running attempt is past its deadline, and should end.
    var isPastDeadline: Bool { pastDeadline.load(ordering: .relaxed) }

    func markPastDeadline() { pastDeadline.store(true, ordering: .relaxed) }

    /// Whether an operator has cancelled the task while it was running.
    var isCancellationRequested: Bool { cancellationRequested.load(ordering: .relaxed) }

    func requestCancellation() { cancellationRequested.store(true, ordering: .relaxed) }

    /// Whether the task is persisted. It then runs, whatever the outcome of the request.
    var isPersisted: Bool { stored != nil && persistence.load(ordering: .acquiring) == Persistence.done }

    func markPersisted() { persistence.store(Persistence.done, ordering: .releasing) }

    /// - Returns: false if it is persisted already, or being persisted.
    func beginPersisting() -> Bool {
        persistence.compareExchange(
            expected: Persistence.no, desired: Persistence.begun, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// Resets the state after its store has failed to persist it.
    func cancelPersisting() { persistence.store(Persistence.no, ordering: .releasing) }

    /// The number of the call of the application's code that has added the task (``TaskCalls``).
    var call: Int {
        get { callNumber.load(ordering: .relaxed) }
        set { callNumber.store(newValue, ordering: .relaxed) }
    }

    /// Whether that call, or a call around it, has thrown.
    var isOfFailedCall: Bool { failedCall.load(ordering: .relaxed) }

    func markThrown() { failedCall.store(true, ordering: .relaxed) }

    /// Whether the task runs: its condition is met, or it is persisted.
    func isMet(by outcome: RequestOutcome) -> Bool {
        if isPersisted { return true }
        var own = outcome
        own.hasThrown = outcome.hasThrown || isOfFailedCall
        return options.condition.isMet(by: own)
    }

    /// Returns the broker's queue to which the task moves after a failed attempt; nil if it does not move, or is not
    /// persisted.
    func reroutingQueue(isLast: Bool) -> String? {
        isPersisted ? stored?.reroutingQueue(isPastDeadline: isPastDeadline, isLast: isLast) : nil
    }

    /// Returns an attempt's error as it is reported to its store. Past the deadline, it names the deadline, since the error
    /// itself then says only that the attempt was cancelled.
    private func reported(_ error: any Error) -> any Error {
        guard isPastDeadline, let deadline = stored?.deadline else { return error }
        return PastDeadline(deadline: deadline, error: error)
    }

    /// Reports a result to its store, if it is persisted.
    func report(_ result: AttemptResult) {
        if isPersisted { stored?.ended(result.mapError(reported)) }
    }

    /// Begins an attempt.
    ///
    /// - Returns: false if the task was cancelled or dropped, or its store refuses the attempt.
    func beginAttempt() -> Bool {
        guard move(from: .queued, to: .running) || move(from: .waiting, to: .running) else { return false }
        if let stored, !stored.beginAttempt() {
            become(.dropped)
            return false
        }
        attemptCount.add(1, ordering: .relaxed)
        pastDeadline.store(false, ordering: .relaxed)
        return true
    }

    /// Sets the state when an attempt has ended, or none will be made.
    func become(_ state: TaskHandle.State) { progress.store(state.rawValue, ordering: .releasing) }

    /// Cancels the task, unless it is running or over.
    ///
    /// - Returns: false if it is running or over.
    func cancel() -> Bool {
        guard move(from: .queued, to: .cancelled) || move(from: .waiting, to: .cancelled) else {
            return false
        }
        report(.dropped)
        return true
    }

    /// Drops the task, unless it is running or over.
    ///
    /// - Returns: false if it is running or over, for instance cancelled.
    func drop(as result: AttemptResult = .dropped) -> Bool {
        guard move(from: .queued, to: .dropped) || move(from: .waiting, to: .dropped) else { return false }
        report(result)
        return true
    }

    private func move(from old: TaskHandle.State, to new: TaskHandle.State) -> Bool {
        progress.compareExchange(
            expected: old.rawValue, desired: new.rawValue, ordering: .acquiringAndReleasing
        ).exchanged
    }
}

/// The error of an attempt that was cancelled because of its deadline.
private struct PastDeadline: Error, CustomStringConvertible {
    let deadline: Duration
    let error: any Error

    var description: String {
        "its deadline of \(deadline.milliseconds) ms has passed: \(LoggedError.text(error))"
    }
}

/// The options with which a task was added.
@usableFromInline
struct TaskOptions: Sendable {
    let condition: TaskCondition
    /// The deadline of each attempt; nil for the route's.
    let deadline: Duration?
    let retry: RetryPolicy
    let stopOnFailure: Bool

    @usableFromInline
    init(
        condition: TaskCondition = .handlerReturned, deadline: Duration? = nil, retry: RetryPolicy = .none,
        stopOnFailure: Bool = false
    ) {
        self.condition = condition
        self.deadline = deadline
        self.retry = retry
        self.stopOnFailure = stopOnFailure
    }
}

/// A handle for a task that was added, which has its state and can cancel it.
public struct TaskHandle: Sendable {
    let task: BackgroundTask

    /// The state of a task.
    public enum State: Int, Sendable {
        /// It waits for its turn.
        case queued
        /// Its function is being called.
        case running
        /// It has failed, and waits for its next attempt.
        case waiting
        /// Its function has returned.
        case done
        /// It has failed for good.
        case failed
        /// It was cancelled by ``TaskHandle/cancel()``.
        case cancelled
        /// Its condition was not met, or a task before it had failed (`stopOnFailure`).
        case dropped
    }

    /// The task's name, or its place in the source.
    public var name: String { task.name }
    /// The task's current state.
    public var state: State { task.state }

    /// Cancels the task, unless it is running or over. A task that waits for its next attempt can be cancelled, too.
    ///
    /// - Returns: true if the task was cancelled, and will not be called (again).
    @discardableResult
    public func cancel() -> Bool { task.cancel() }
}
