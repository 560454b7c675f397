public import Postlude
internal import PostludeManifest

/// How the tasks of one kind run.
public struct DurablePolicy: Sendable, Hashable {
    /// How often a task that throws is called again, and after which times. The tasks of its request wait after it.
    ///
    /// An attempt that ended with its process is made again at once, also when it was the last one; after ten of these the
    /// task is a dead letter.
    public var retry: RetryPolicy

    /// After this time an attempt is cancelled, and fails if it throws for that reason; nil for the manifest's
    /// `tasks.deadline`.
    public var deadline: Duration?

    /// After this time, counted from its adding, a task does not begin any more; nil for never.
    public var expiry: Duration?

    /// Which tasks come first when a process takes those that others have left, or whose time has come.
    public var priority: DurablePriority

    /// Where they run; else than ``TaskExecution/here`` they leave through the application's broker, after the response.
    public var runs: TaskExecution

    /// Where those go that do not come to their end here; nil for nowhere.
    public var promotion: TaskRerouting?

    /// - Parameters:
    ///   - retry: by default five attempts, with delays of 1, 2, 4 and 8 seconds, ±20 %.
    ///   - deadline: after this time an attempt is cancelled; nil for the manifest's `tasks.deadline`.
    ///   - expiry: a task that has not begun within this time after it was added does not begin; nil for never.
    ///   - priority: which tasks come first when a process takes several from the task store.
    ///   - runs: here, or at a broker's queue.
    ///   - promotion: the queue to which tasks move that do not finish here; nil for none.
    public init(
        retry: RetryPolicy = RetryPolicy(attempts: 5), deadline: Duration? = nil, expiry: Duration? = nil,
        priority: DurablePriority = .normal, runs: TaskExecution = .here, promotion: TaskRerouting? = nil
    ) {
        self.retry = retry
        self.deadline = deadline
        self.expiry = expiry
        self.priority = priority
        self.runs = runs
        self.promotion = promotion
    }
}

/// Which tasks come first. It does not change the order within a request.
public enum DurablePriority: Sendable, Hashable, CaseIterable {
    /// Before all others.
    case high
    /// What tasks have whose kind says nothing.
    case normal
    /// When no others are due.
    case low
}

/// Where the tasks of a kind run.
public struct TaskExecution: Sendable, Hashable {
    /// The broker's queue; nil for this machine's processes.
    package let queue: String?

    package init(queue: String?) { self.queue = queue }

    /// On the worker of the task's request, or after a crash in whichever process takes it.
    public static let here = TaskExecution(queue: nil)
}

/// Moves a durable task that does not come to its end here to a broker's queue, with the same id.
public struct TaskRerouting: Sendable, Hashable {
    /// Why a task is moved.
    public enum Occasion: Sendable, Hashable, CaseIterable {
        /// An attempt has passed its deadline.
        case deadline
        /// Its last attempt has failed.
        case attempts
        /// It has not ended when its process does.
        case shutdown
    }

    /// Where it goes.
    public var place: TaskExecution
    /// When it goes there.
    public var occasions: Set<Occasion>

    /// - Parameters:
    ///   - place: where it goes.
    ///   - occasions: when it goes there; by default at each of them.
    public init(to place: TaskExecution, when occasions: Set<Occasion> = Set(Occasion.allCases)) {
        self.place = place
        self.occasions = occasions
    }
}

extension DurablePolicy {
    /// The policy, with what the manifest says about its kind.
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
        policy.promotion = settings.promotion.map(TaskRerouting.init) ?? promotion
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
    fileprivate init(_ promotion: Manifest.DurableTask.Promotion) {
        let occasions = promotion.occasions.map { occasion -> Occasion in
            switch occasion {
            case .deadline: .deadline
            case .attempts: .attempts
            case .shutdown: .shutdown
            }
        }
        self.init(to: TaskExecution(queue: promotion.place.queue), when: Set(occasions))
    }
}
