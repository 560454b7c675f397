package import Logging
package import PostludeManifest
package import PostludeSystem

/// What keeps tasks beyond the process that has queued them; the core links none.
///
/// A process opens it before its first request. From then on each request's stored tasks are kept before the first byte
/// of its response is written, run on its worker like every task, and are reported as they end.
package protocol TaskStore: Sendable {
    /// Called once in a process that is about to serve.
    ///
    /// - Parameters:
    ///   - dispatch: takes tasks that no request of this process has added: those that a process has left, and those whose
    ///     time has come.
    ///   - end: how another process has ended.
    func open(
        _ manifest: Manifest, dispatch: any TaskTaking, end: @escaping @Sendable (_ pid: Int64) -> ProcessEnd,
        logger: Logger
    ) throws

    /// Another manifest holds from now on, as far as it can be changed while tasks are kept.
    func applyManifest(_ manifest: Manifest)

    /// Keeps the tasks of one request, all of them or none.
    ///
    /// - Parameter runsHere: whether their worker runs them; else they come to whichever worker is free, by the dispatch.
    /// - Throws: why a crash would lose them. The request is then answered 503.
    func keep(_ tasks: [any PersistedTask], of request: TaskOrigin, runsHere: Bool) throws

    /// The process was told to stop: its end, whenever it comes, is the fault of no task.
    func drain()

    /// The process serves no more: what is not over is left to others.
    func close()
}

extension TaskStore {
    package func drain() {}
}

/// The request that has added a task, or what stands in its place.
package struct TaskOrigin: Sendable, Hashable {
    package let requestID: String
    package let route: String
    /// Whether the first of its tasks that fails for good keeps those behind it from running.
    package let stopsOnFailure: Bool

    package init(requestID: String, route: String, stopsOnFailure: Bool = false) {
        self.requestID = requestID
        self.route = route
        self.stopsOnFailure = stopsOnFailure
    }
}

/// A task that a store keeps.
package protocol PersistedTask: Sendable {
    /// The same in every process. Known to the client once its task is kept.
    var id: String { get }
    var name: String { get }
    /// What the log and tests show of it.
    var arguments: [any Sendable] { get }
    var deadline: Duration? { get }
    var retry: RetryPolicy { get }
    /// Attempts that other processes have made.
    var earlierAttempts: Int { get }
    /// How many of them have ended with their process, which died: they are none that the policy allows to fail.
    var earlierDeaths: Int { get }
    /// Whether it runs in this process, on the worker of its request; known once it is kept.
    var runsHere: Bool { get }

    /// Whether those behind it in its request do not run if it fails for good; of its request too, once it is kept.
    var stopsOnFailure: Bool { get }

    /// One attempt, as the task (``TaskContext/current``).
    func run() async throws

    /// An attempt is about to begin.
    ///
    /// - Returns: false when it must not: its time is over. The store knows.
    func beginAttempt() -> Bool

    /// An attempt has failed.
    ///
    /// - Parameters:
    ///   - isPastDeadline: whether its time was over.
    ///   - isLast: whether no other one would follow.
    /// - Returns: the queue to which the task goes instead of what would follow; nil for none.
    func promotion(isPastDeadline: Bool, isLast: Bool) -> String?

    /// The attempt does not end, and the process will be replaced for it.
    func blame()

    /// An attempt has ended, or none will be made here.
    func ended(_ result: AttemptResult)
}

extension PersistedTask {
    package var earlierDeaths: Int { 0 }
    package var stopsOnFailure: Bool { false }

    package func promotion(isPastDeadline: Bool, isLast: Bool) -> String? { nil }
    package func blame() {}
}

/// An error that fails a stored task for good, because another attempt would end in the same way.
package protocol PermanentTaskError: Error {}
