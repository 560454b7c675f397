internal import PostludeLogOutput
internal import Synchronization

/// A task: a function with its arguments, queued by a handler.
@usableFromInline
final class BackgroundTask: Sendable {
    @usableFromInline
    enum Function: Sendable {
        case sync(@Sendable () throws -> Void)
        case async(@Sendable () async throws -> Void)
    }

    /// nil for the place where the task was added.
    private let givenName: String?
    private let place: (fileID: StaticString, line: UInt)
    let function: Function
    let options: TaskOptions
    private let listArguments: @Sendable () -> [any Sendable]
    private let progress = Atomic<Int>(TaskHandle.State.queued.rawValue)
    private let attemptCount: Atomic<Int>
    private let pastDeadline = Atomic<Bool>(false)
    /// What a store keeps of it; nil for an ordinary task.
    let stored: (any PersistedTask)?
    private let keeping = Atomic<Int>(Keeping.no)
    private let callNumber = Atomic<Int>(0)
    private let isOfFailedCall = Atomic<Bool>(false)

    private enum Keeping {
        static let no = 0
        /// It is on its way into its store.
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
        self.stored = stored
    }

    /// Put together when it is asked for.
    var name: String { givenName ?? "\(place.fileID):\(place.line)" }

    /// What the function will be called with; nothing for a closure.
    var arguments: [any Sendable] { listArguments() }

    var isAsync: Bool {
        if case .async = function { true } else { false }
    }

    var state: TaskHandle.State {
        TaskHandle.State(rawValue: progress.load(ordering: .acquiring)) ?? .queued
    }

    /// How often the function has been called, a call that has not returned included.
    var attempts: Int { attemptCount.load(ordering: .relaxed) }

    /// How many calls count against its policy, if the last one fails.
    var failures: Int { attempts - (stored?.earlierDeaths ?? 0) }

    /// The attempt that is running should come to its end.
    var isPastDeadline: Bool { pastDeadline.load(ordering: .relaxed) }

    func markPastDeadline() { pastDeadline.store(true, ordering: .relaxed) }

    /// Whether its store has it: it then runs, whatever becomes of the response.
    var isKept: Bool { stored != nil && keeping.load(ordering: .acquiring) == Keeping.done }

    func markKept() { keeping.store(Keeping.done, ordering: .releasing) }

    /// - Returns: false where it is kept, or on its way.
    func beginKeeping() -> Bool {
        keeping.compareExchange(
            expected: Keeping.no, desired: Keeping.begun, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// Its store could not take it.
    func cancelKeeping() { keeping.store(Keeping.no, ordering: .releasing) }

    /// The call of the application's code that has added it, by ``TaskCalls``.
    var call: Int {
        get { callNumber.load(ordering: .relaxed) }
        set { callNumber.store(newValue, ordering: .relaxed) }
    }

    /// Whether that call, or one around it, has thrown.
    var isOfThrown: Bool { isOfFailedCall.load(ordering: .relaxed) }

    func markThrown() { isOfFailedCall.store(true, ordering: .relaxed) }

    /// Whether it is to run.
    func isMet(by outcome: RequestOutcome) -> Bool {
        if isKept { return true }
        var own = outcome
        own.hasThrown = outcome.hasThrown || isOfThrown
        return options.condition.isMet(by: own)
    }

    /// Where it goes instead of what follows from the attempt that has failed; nil for nowhere.
    func promotion(isLast: Bool) -> String? {
        isKept ? stored?.promotion(isPastDeadline: isPastDeadline, isLast: isLast) : nil
    }

    /// What its store is told of an attempt's error: past its deadline an attempt says no more than that it was cancelled.
    private func told(_ error: any Error) -> any Error {
        guard isPastDeadline, let deadline = stored?.deadline else { return error }
        return PastDeadline(deadline: deadline, error: error)
    }

    /// Tells its store.
    func report(_ result: AttemptResult) {
        if isKept { stored?.ended(result.mapError(told)) }
    }

    /// Begins an attempt.
    ///
    /// - Returns: false when the task was cancelled, or dropped, or its store does not want it to begin.
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

    /// An attempt has ended, or none will be made.
    func become(_ state: TaskHandle.State) { progress.store(state.rawValue, ordering: .releasing) }

    /// - Returns: false when it runs, or is over.
    func cancel() -> Bool {
        guard move(from: .queued, to: .cancelled) || move(from: .waiting, to: .cancelled) else {
            return false
        }
        report(.dropped)
        return true
    }

    /// - Returns: false when it was cancelled before.
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

/// An attempt that was cancelled because of its deadline.
private struct PastDeadline: Error, CustomStringConvertible {
    let deadline: Duration
    let error: any Error

    var description: String {
        "its deadline of \(deadline.milliseconds) ms has passed: \(LoggedError.text(error))"
    }
}

/// How a task is run, apart from what it does.
@usableFromInline
struct TaskOptions: Sendable {
    let condition: TaskCondition
    /// nil for the route's.
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

/// A task that was added: its state, and the way to take it back.
public struct TaskHandle: Sendable {
    let task: BackgroundTask

    /// What has become of a task.
    public enum State: Int, Sendable {
        /// It waits for its turn.
        case queued
        /// Its function is being called.
        case running
        /// It has failed, and waits for its next attempt.
        case waiting
        /// It has returned.
        case done
        /// It has failed for good.
        case failed
        /// It was taken back by ``TaskHandle/cancel()``.
        case cancelled
        /// Its condition was not met, or a task before it had failed (`stopOnFailure`).
        case dropped
    }

    /// The task's name, or its place in the source.
    public var name: String { task.name }
    /// What has become of it up to now.
    public var state: State { task.state }

    /// Takes the task back, unless it is running or over. One that waits for its next attempt can be taken back, too.
    ///
    /// - Returns: whether it will not be called (again).
    @discardableResult
    public func cancel() -> Bool { task.cancel() }
}
