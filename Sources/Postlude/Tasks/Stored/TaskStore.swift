package import Logging
package import PostludeManifest
package import PostludeSystem

/// A store that persists tasks beyond the process that has queued them. The module `Postlude` has no implementation.
///
/// A process opens it before its first request. From then on, the store persists each request's stored tasks before the first
/// byte of the response is written. They run on the request's worker like every task, and the store records their results.
package protocol TaskStore: Sendable {
    /// Opens the store. Called once in each process, before it serves.
    ///
    /// - Parameters:
    ///   - dispatch: takes tasks that no request of this process has added: those that another process has left, and those
    ///     that have become due.
    ///   - end: returns how another process has ended.
    func open(
        _ manifest: Manifest, dispatch: any TaskDispatching,
        end: @escaping @Sendable (_ pid: Int64) -> ProcessEnd,
        logger: Logger
    ) throws

    /// Applies the settings of another manifest, as far as they can change while the store is open.
    func applyManifest(_ manifest: Manifest)

    /// Begins the request with a key, unless it is being answered or was answered. Nothing is written: if the process dies, the
    /// request can begin again.
    ///
    /// - Throws: the reason why the key could not be looked up. The request is then answered with 503.
    func begin(_ key: RequestKey) throws -> RequestKeyState

    /// Persists the tasks of one request, and its answer, all of them or none.
    ///
    /// - Parameter transaction: the open transaction that is to contain them, and is committed by this call; nil for one of the
    ///   store's own.
    /// - Throws: the reason why they could not be persisted. The request is then answered with 503, or with 409 after a
    ///   ``CommitConflict``.
    func persist(_ request: PersistedRequest, within transaction: (any RequestTransaction)?) throws

    /// Since when the store and its broker are unavailable to this process. Read often: it must not wait for either.
    var outages: TaskStoreOutages { get }

    /// Records that the process is stopping: from now on, no running task is blamed for its end.
    func drain()

    /// Closes the store, and leaves its unfinished tasks to other processes. Called when the process no longer serves.
    func close()
}

extension TaskStore {
    package func drain() {}
    package var outages: TaskStoreOutages { TaskStoreOutages() }
}

/// Since when a task store and its broker are unavailable.
package struct TaskStoreOutages: Sendable, Hashable {
    /// The time since which the store cannot be opened, read or written; nil if it can.
    package var store: MonotonicTime?
    /// The time since which the broker accepts no tasks; nil if it does, or if no task is to be sent.
    package var broker: MonotonicTime?

    package init(store: MonotonicTime? = nil, broker: MonotonicTime? = nil) {
        self.store = store
        self.broker = broker
    }
}

/// The request that has added a task, or a substitute if no request has.
package struct TaskOrigin: Sendable, Hashable {
    package let requestID: String
    package let route: String
    /// Whether the first task of the request that fails for good stops the later ones.
    package let stopsOnFailure: Bool

    package init(requestID: String, route: String, stopsOnFailure: Bool = false) {
        self.requestID = requestID
        self.route = route
        self.stopsOnFailure = stopsOnFailure
    }
}

/// A task that a store persists.
package protocol PersistedTask: Sendable {
    /// The id of the task, which is the same in every process. The client may learn it once the task is persisted.
    var id: String { get }
    var name: String { get }
    /// The arguments of the task, for tests.
    var arguments: [any Sendable] { get }
    var deadline: Duration? { get }
    var retry: RetryPolicy { get }
    /// The number of attempts that other processes have made.
    var earlierAttempts: Int { get }
    /// The number of those attempts whose process died. They do not count towards the attempts of the retry policy.
    var earlierDeaths: Int { get }
    /// The time since which the task has been due; nil if it is due now.
    var due: MonotonicTime? { get }
    /// Whether the task runs in this process, on the worker of its request; valid once the task is persisted.
    var runsHere: Bool { get }

    /// Whether this process keeps the task until its next attempt, if the task says when that is. Otherwise its store does, also
    /// for another process.
    var waitsHere: Bool { get }

    /// Whether the later tasks of the request do not run if this one fails for good. Once the task is persisted, this
    /// includes the request's own setting.
    var stopsOnFailure: Bool { get }

    /// Whether any process makes the next attempt, instead of this one.
    var leavesBetweenAttempts: Bool { get }

    /// Makes one attempt, with the task as ``TaskContext/current``.
    func run() async throws

    /// Records that an attempt begins.
    ///
    /// - Returns: false if it must not begin, because the task has expired, was cancelled, is paused or goes to a broker. The
    ///   store has recorded that.
    func beginAttempt() -> Bool

    /// Whether the last attempt did not begin because the task is paused: it is left to another process, with the tasks after it
    /// that depend on it.
    var isLeft: Bool { get }

    /// Returns the queue to which the task moves after a failed attempt, instead of being retried or failing.
    ///
    /// - Parameters:
    ///   - isPastDeadline: whether the attempt was past its deadline.
    ///   - isLast: whether no other attempt would follow.
    /// - Returns: the queue's name; nil if the task does not move.
    func reroutingQueue(isPastDeadline: Bool, isLast: Bool) -> String?

    /// Records that the attempt does not end, and that the process will be replaced because of it.
    func blame()

    /// Records the result of an attempt, or why none is made here.
    func ended(_ result: AttemptResult)
}

extension PersistedTask {
    package var earlierDeaths: Int { 0 }
    package var due: MonotonicTime? { nil }
    package var stopsOnFailure: Bool { false }
    package var isLeft: Bool { false }
    package var waitsHere: Bool { true }
    package var leavesBetweenAttempts: Bool { false }

    package func reroutingQueue(isPastDeadline: Bool, isLast: Bool) -> String? { nil }
    package func blame() {}
}

/// An error of a stored task that this version of the program cannot read: it is left to another version, with the tasks after
/// it.
package protocol UnreadableTaskError: Error {}

/// An error that fails a stored task for good, because another attempt would end in the same way.
package protocol PermanentTaskError: Error {}
