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
    let stored: (any StoredTask)?
    private let kept = Atomic<Bool>(false)

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

    init(_ stored: any StoredTask) {
        givenName = stored.name
        place = ("", 0)
        options = TaskOptions(deadline: stored.deadline, retry: stored.retry)
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

    /// The attempt that is running should come to its end.
    var isPastDeadline: Bool { pastDeadline.load(ordering: .relaxed) }

    func markPastDeadline() { pastDeadline.store(true, ordering: .relaxed) }

    /// Whether its store has it: it then runs, whatever becomes of the response.
    var isKept: Bool { stored != nil && kept.load(ordering: .acquiring) }

    func markKept() { kept.store(true, ordering: .releasing) }

    /// Where it goes instead of what follows from the attempt that has failed; nil for nowhere.
    func promotion(isLast: Bool) -> String? {
        isKept ? stored?.promotion(isPastDeadline: isPastDeadline, isLast: isLast) : nil
    }

    /// What its store is told of an attempt's error: past its deadline an attempt says no more than that it was cancelled.
    func told(_ error: any Error) -> any Error {
        guard isPastDeadline, let deadline = stored?.deadline else { return error }
        return PastDeadline(deadline: deadline, error: error)
    }

    /// Tells its store.
    func report(_ end: StoredTaskEnd) {
        if isKept { stored?.ended(end) }
    }

    /// Begins an attempt.
    ///
    /// - Returns: false when the task was cancelled, or dropped, or its store does not want it to begin.
    func begin() -> Bool {
        guard move(from: .queued, to: .running) || move(from: .waiting, to: .running) else { return false }
        if let stored, !stored.begin() {
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
    func drop() -> Bool {
        guard move(from: .queued, to: .dropped) || move(from: .waiting, to: .dropped) else { return false }
        report(.dropped)
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

    var description: String { "its deadline of \(deadline.milliseconds) ms has passed: \(LoggedError.text(error))" }
}
