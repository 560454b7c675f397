internal import FoundationEssentials
internal import Postlude
internal import PostludeJSON
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeTaskStore

/// How many tasks of a kind may run, in all processes and on all machines that share the task store.
///
/// ```swift
/// struct Render: DurableTask {
///     var customer: Int
///     var page: Int
///
///     static var policy: DurablePolicy {
///         DurablePolicy(limit: TaskLimit(running: 3, per: "customer", rate: .perSecond(25)))
///     }
///
///     func run(_ context: TaskContext) async throws {}
/// }
/// ```
///
/// A task that has to wait does not run on the worker of its request, but in the process that takes it when the limit allows.
public struct TaskLimit: Sendable, Hashable {
    /// The order of the tasks that share a limit.
    public enum Order: String, Sendable, Hashable, CaseIterable {
        /// A task that waits for its time or its next attempt lets others pass.
        case free
        /// One after another, in the order in which they were added, also over retries.
        case strict
    }

    /// The largest number of tasks that run at once; nil for any number. With the order `strict`, one task runs at once.
    public var running: Int?
    /// The member of the task by whose value the limit is divided; nil for one limit for all tasks of the kind.
    ///
    /// It is a member of the task as JSON, with a text, a number or a boolean as its value.
    public var member: String?
    /// How many attempts may begin within a time; nil for any number.
    public var rate: TaskRate?
    /// The order of the tasks that share the limit.
    public var order: Order

    /// - Parameters:
    ///   - running: the largest number of tasks that run at once; nil for any number.
    ///   - member: the member of the task by whose value the limit is divided; nil for one limit for all tasks of the kind.
    ///   - rate: how many attempts may begin within a time; nil for any number.
    ///   - order: the order of the tasks that share the limit.
    public init(
        running: Int? = nil, per member: String? = nil, rate: TaskRate? = nil, order: Order = .free
    ) {
        self.running = running
        self.member = member
        self.rate = rate
        self.order = order
    }
}

/// How many attempts of tasks may begin within a time: in any second, minute or hour, at most this number.
public struct TaskRate: Sendable, Hashable {
    /// The number of attempts.
    public let count: Int
    /// The time within which they begin.
    public let period: Duration

    /// - Parameters:
    ///   - count: the number of attempts, at least 1.
    ///   - period: the time within which they begin, at least a millisecond.
    public init(_ count: Int, per period: Duration) {
        self.count = max(1, count)
        self.period = max(.milliseconds(1), period)
    }

    /// Returns a rate per second.
    public static func perSecond(_ count: Int) -> TaskRate { TaskRate(count, per: .seconds(1)) }
    /// Returns a rate per minute.
    public static func perMinute(_ count: Int) -> TaskRate { TaskRate(count, per: .seconds(60)) }
    /// Returns a rate per hour.
    public static func perHour(_ count: Int) -> TaskRate { TaskRate(count, per: .seconds(3600)) }
}

extension TaskLimit {
    /// Whether it limits anything.
    var isEffective: Bool { running != nil || rate != nil || order == .strict }

    /// Returns the limit with the manifest's settings; nil if that limits nothing.
    func with(_ settings: Manifest.DurableTask.Limit) -> TaskLimit? {
        var limit = self
        limit.running = settings.running ?? running
        limit.member = settings.member?.value ?? member
        limit.rate = settings.rate.map { TaskRate($0.count, per: $0.period) } ?? rate
        if let isStrict = settings.isStrict { limit.order = isStrict ? .strict : .free }
        return limit.isEffective ? limit : nil
    }

    /// Returns the limit key of a task.
    ///
    /// - Parameter payload: the task as JSON.
    /// - Returns: nil if the task does not have the member, or if its value is not text, a number or a boolean.
    func key(of payload: Data) -> String? {
        guard let member else { return "" }
        guard let document = try? JSONDocument(scanning: Array(payload), maximumDepth: 512),
            document.nodes.first?.kind == .object, let value = document.member(member, of: 0)
        else { return nil }
        return switch document.nodes[value].kind {
        case .string, .number: document.string(at: value)
        case .true: "true"
        case .false: "false"
        case .null, .array, .object: nil
        }
    }

    /// Returns the limit as the task store applies it.
    func record(of name: String) -> RecordLimit {
        RecordLimit(
            name: name, running: running.map { max(1, $0) },
            rate: rate.map { RecordRate(count: $0.count, period: $0.milliseconds) }, member: member,
            isStrict: order == .strict)
    }
}

extension TaskRate {
    /// The period in milliseconds, of at most a century, so that times can be computed with it.
    fileprivate var milliseconds: Int64 {
        let (seconds, attoseconds) = min(period, .seconds(100 * 366 * 86_400)).components
        return max(1, seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
    }
}

extension DurableTaskKind {
    /// The limit that applies to the tasks that run here; nil if there is none.
    var limit: TaskLimit? {
        policy.runs.queue == nil ? policy.limit.flatMap { $0.isEffective ? $0 : nil } : nil
    }

    /// Checks that a task has the member by which its limit is divided.
    func checkLimit(of payload: Data) throws(DurableTaskError) {
        guard let limit, let member = limit.member, limit.key(of: payload) == nil else { return }
        throw .noLimitKey(task: name, member: member)
    }
}

/// The member of a kind by which its limit is divided.
struct LimitMember {
    private let kind: DurableTaskKind
    private let member: String

    init(of kind: DurableTaskKind, called member: String) {
        self.kind = kind
        self.member = member
    }

    init?(of kind: DurableTaskKind, called member: String?) {
        guard let member else { return nil }
        self.init(of: kind, called: member)
    }

    /// Why the kind cannot be limited by this member; nil if it can, or if its members are not known.
    var problem: String? {
        guard let names = Schema.memberNames(of: kind.type), !names.contains(member) else { return nil }
        return """
            the durable task \(quoted(kind.name)) has no member \(quoted(member)) for `per`, expected one of: \
            \(names.joined(separator: ", "))
            """
    }
}

extension DurableTaskKinds {
    /// The limits as a task store applies them.
    var limits: [RecordLimit] { all.compactMap { kind in kind.limit?.record(of: kind.name) } }

    /// The kinds, whose tasks do not wait because of limits: in a test they run when the test says so.
    var withoutLimits: DurableTaskKinds {
        DurableTaskKinds(
            all.map { kind in
                var kind = kind
                kind.appliesLimit = false
                return kind
            })
    }
}

extension RecordSummary {
    /// Describes whose limit applies to a task; nil if it has none.
    var limitText: String? {
        switch limitKey {
        case nil: nil
        case "": "its kind's"
        case RecordLimit.follower: "that of a task before it"
        case let key?: "that of \(key)"
        }
    }
}
