public import Postlude
internal import PostludeManifest

/// How the tasks of one kind run.
public struct DurablePolicy: Sendable, Hashable {
    /// How often a task that throws is called again, and after which delays. The later tasks of its request wait for it.
    ///
    /// An attempt that was interrupted because its process was told to stop does not count, and another one follows at once.
    /// After a hundred interruptions the task is a dead letter. Attempts during which the process died are counted separately.
    public var retry: RetryPolicy

    /// The time after which an attempt is cancelled; it fails if it then throws. nil for the manifest's `tasks.deadline`.
    public var deadline: Duration?

    /// The time after which a task that has not begun is not run any more, counted from when it was added; nil for no limit.
    public var expiry: Duration?

    /// The priority of the tasks when a process claims records: those of dead processes, and those that have become due.
    public var priority: DurablePriority

    /// Where the tasks run. Unless it is ``TaskExecution/here``, they are published to the application's broker after the
    /// response.
    public var runs: TaskExecution

    /// The queue to which a task moves if it does not finish here, and the occasions on which it moves; nil if tasks do not
    /// move.
    public var rerouting: TaskRerouting?

    /// How many tasks may run at once, or begin within a time, in all processes; nil for any number.
    public var limit: TaskLimit?

    /// - Parameters:
    ///   - retry: by default five attempts, with delays of 1, 2, 4 and 8 seconds, ±20 %.
    ///   - deadline: after this time an attempt is cancelled; nil for the manifest's `tasks.deadline`.
    ///   - expiry: a task that has not begun within this time after it was added does not begin; nil for never.
    ///   - priority: which tasks come first when a process takes several from the task store.
    ///   - runs: here, or at a broker's queue.
    ///   - rerouting: the queue to which a task moves if it does not finish here; nil for none.
    ///   - limit: how many tasks may run at once, or begin within a time; nil for any number.
    public init(
        retry: RetryPolicy = RetryPolicy(attempts: 5), deadline: Duration? = nil, expiry: Duration? = nil,
        priority: DurablePriority = .normal, runs: TaskExecution = .here, rerouting: TaskRerouting? = nil,
        limit: TaskLimit? = nil
    ) {
        self.retry = retry
        self.deadline = deadline
        self.expiry = expiry
        self.priority = priority
        self.runs = runs
        self.rerouting = rerouting
        self.limit = limit
    }
}

/// The order in which due tasks are claimed. It does not change the order within a request.
public enum DurablePriority: Sendable, Hashable, CaseIterable {
    /// Before all other tasks.
    case high
    /// The default.
    case normal
    /// After all other tasks.
    case low
}

/// Where the tasks of a kind run.
public struct TaskExecution: Sendable, Hashable {
    /// The broker's queue; nil for this machine's processes.
    package let queue: String?

    package init(queue: String?) { self.queue = queue }

    /// On the worker of the task's request, or, after a crash, in the process that claims the task.
    public static let here = TaskExecution(queue: nil)
}

/// The rerouting of a durable task to a broker's queue, with the same id, if it does not finish here.
public struct TaskRerouting: Sendable, Hashable {
    /// Why a task is moved.
    public enum Occasion: Sendable, Hashable, CaseIterable {
        /// An attempt has passed its deadline.
        case deadline
        /// Its last attempt has failed.
        case attempts
        /// Its process ends before the task has finished.
        case shutdown
    }

    /// The queue to which the task moves.
    public var destination: TaskExecution
    /// The occasions on which the task moves.
    public var occasions: Set<Occasion>

    /// - Parameters:
    ///   - destination: the queue to which the task moves.
    ///   - occasions: when it moves; by default on each of them.
    public init(to destination: TaskExecution, when occasions: Set<Occasion> = Set(Occasion.allCases)) {
        self.destination = destination
        self.occasions = occasions
    }
}

extension DurablePolicy {
    /// Returns the policy with the manifest's settings for its kind.
    func with(_ settings: Manifest.DurableTask) -> DurablePolicy {
        var policy = self
        policy.retry.attempts = settings.attempts ?? retry.attempts
        policy.retry.delay = settings.delay ?? retry.delay
        policy.retry.factor = settings.factor ?? retry.factor
        policy.retry.maximumDelay = settings.maximumDelay ?? retry.maximumDelay
        policy.retry.jitter = settings.jitter ?? retry.jitter
        policy.deadline = settings.deadline ?? deadline
        policy.expiry = settings.expiry ?? expiry
        policy.priority = settings.priority.map(DurablePriority.init) ?? priority
        policy.runs = settings.runs.map { TaskExecution(queue: $0.queue) } ?? runs
        policy.rerouting = settings.rerouting.map(TaskRerouting.init) ?? rerouting
        policy.limit = (limit ?? TaskLimit()).with(settings.limit)
        return policy
    }
}

extension DurablePriority {
    fileprivate init(_ priority: Manifest.DurableTask.Priority) {
        self =
            switch priority {
            case .high: .high
            case .normal: .normal
            case .low: .low
            }
    }
}

extension TaskRerouting {
    fileprivate init(_ rerouting: Manifest.DurableTask.Rerouting) {
        let occasions = rerouting.occasions.map { occasion -> Occasion in
            switch occasion {
            case .deadline: .deadline
            case .attempts: .attempts
            case .shutdown: .shutdown
            }
        }
        self.init(to: TaskExecution(queue: rerouting.destination.queue), when: Set(occasions))
    }
}
