package import FoundationEssentials
internal import Postlude
package import PostludeManifest
internal import PostludeTaskStore

/// A kind of durable tasks: a type with its name and policy.
public struct DurableTaskKind: Sendable {
    package let name: String
    package let type: any DurableTask.Type
    package internal(set) var policy: DurablePolicy
    /// Decodes a task from its payload.
    package let decode: @Sendable (Data) throws -> any DurableTask

    init<Task: DurableTask>(_ type: Task.Type, policy: DurablePolicy? = nil) {
        name = Task.name
        self.type = type
        self.policy = policy ?? Task.policy
        decode = { try StoredValues.decode(Task.self, from: $0) }
    }
}

/// The kinds of durable tasks that an application has, by name.
package struct DurableTaskKinds: Sendable {
    private let byName: [String: DurableTaskKind]
    /// In the order in which the application names them.
    package let all: [DurableTaskKind]
    /// The names that several kinds have.
    let repeated: [String]

    init(_ all: [DurableTaskKind]) {
        self.all = all
        byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
        repeated = Dictionary(grouping: all, by: \.name).filter { $0.value.count > 1 }.keys.sorted()
    }

    /// Returns the kinds with a manifest's settings for them.
    package func with(_ manifest: Manifest) -> DurableTaskKinds {
        let settings = Dictionary(manifest.durableTasks.map { ($0.kind, $0) }) { first, _ in first }
        return DurableTaskKinds(
            all.map { kind in
                var kind = kind
                if let settings = settings[kind.name] { kind.policy = kind.policy.with(settings) }
                return kind
            })
    }

    package subscript(name: String) -> DurableTaskKind? { byName[name] }
}

/// Builds the list of an application's kinds of durable tasks.
@resultBuilder
public enum DurableTasksBuilder {
    /// Adds a kind.
    public static func buildExpression<Task: DurableTask>(_ type: Task.Type) -> [DurableTaskKind] {
        [DurableTaskKind(type)]
    }
    /// Joins the kinds of several expressions, in their order.
    public static func buildBlock(_ parts: [DurableTaskKind]...) -> [DurableTaskKind] {
        parts.flatMap(\.self)
    }
    /// Adds the kinds of an `if` without `else`.
    public static func buildOptional(_ part: [DurableTaskKind]?) -> [DurableTaskKind] { part ?? [] }
    /// Adds the kinds of an `if` whose condition is true.
    public static func buildEither(first part: [DurableTaskKind]) -> [DurableTaskKind] { part }
    /// Adds the kinds of an `else`.
    public static func buildEither(second part: [DurableTaskKind]) -> [DurableTaskKind] { part }
}

extension DurableTaskKind {
    /// Returns the payload of a task with these arguments.
    ///
    /// - Throws: a `DecodingError` if the arguments do not fit the kind.
    func payload(of arguments: Manifest.Value) throws -> Data {
        try StoredValues.encode(decode(Data(arguments.json.utf8)))
    }

    /// Returns the record of a new task, with the queue of the policy.
    ///
    /// - Parameters:
    ///   - payload: the task as JSON.
    ///   - expiry: the time after which the task does not begin, counted from `now`; nil for the policy's.
    ///   - priority: nil for the policy's.
    func record(_ payload: Data, at now: Date, expiry: Duration? = nil, priority: DurablePriority? = nil)
        -> NewRecord
    {
        var record = NewRecord(name: name, payload: payload)
        record.id = RecordID.make(at: Int64(now.timeIntervalSince1970 * 1000))
        record.expires = (expiry ?? policy.expiry).map(now.advanced(by:))
        record.priority = RecordPriority(priority ?? policy.priority)
        record.queue = policy.runs.queue
        return record
    }
}

extension RecordPriority {
    init(_ priority: DurablePriority) {
        self =
            switch priority {
            case .high: .high
            case .normal: .normal
            case .low: .low
            }
    }
}

extension Date {
    func advanced(by duration: Duration) -> Date {
        addingTimeInterval(
            Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18)
    }
}
