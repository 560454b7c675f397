package import FoundationEssentials
internal import Postlude
package import PostludeManifest
internal import PostludeSystem
internal import PostludeTaskStore

/// A kind of durable tasks: a type with its name and policy.
public struct DurableTaskKind: Sendable {
    package let name: String
    package let type: any DurableTask.Type
    package internal(set) var policy: DurablePolicy
    /// Whether tasks wait as the policy's limit says. In tests they do not.
    var appliesLimit = true
    /// The version of the payloads that this program writes.
    package let version: Int
    /// Decodes a task from its payload, which is of this version.
    package let decode: @Sendable (Data) throws -> any DurableTask
    private let structure = KindStructure()

    init<Task: DurableTask>(_ type: Task.Type, policy: DurablePolicy? = nil) {
        name = Task.name
        self.type = type
        self.policy = policy ?? Task.policy
        version = Task.version
        decode = { try StoredValues.decode(Task.self, from: $0) }
    }

    /// The form of the payloads that this program writes.
    var shape: RecordShape {
        RecordShape(name: name, version: version, structure: structure.text(of: type))
    }

    /// Decodes a task from its payload, after converting one of an earlier version.
    func decode(_ payload: Data, version: Int) throws -> any DurableTask {
        guard version != self.version else { return try decode(payload) }
        guard version < self.version else { throw LaterVersion(version: version, known: self.version) }
        return try decode(StoredValues.encode(type.upcast(StoredValues.json(from: payload), from: version)))
    }
}

/// A task was stored by a later version of the program.
struct LaterVersion: Error, CustomStringConvertible {
    let version: Int
    let known: Int

    var description: String {
        "is of version \(version), which is later than this program's version \(known)"
    }
}

/// The structure of a type, which is derived when it is first asked for: an application makes its kinds often.
private final class KindStructure: Sendable {
    private let derived = Lock<String?>(nil)

    func text(of type: any DurableTask.Type) -> String {
        derived.withLock { derived in
            if let derived { return derived }
            // Without a structure, all tasks of a version have the same shape.
            let text = (try? Schema.structure(of: type)) ?? ""
            derived = text
            return text
        }
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
        record.shape = shape
        record.id = RecordID.make(at: Int64(now.timeIntervalSince1970 * 1000))
        record.expires = (expiry ?? policy.expiry).map(now.advanced(by:))
        record.priority = RecordPriority(priority ?? policy.priority)
        record.queue = policy.runs.queue
        if appliesLimit { record.limitKey = limit.map { $0.key(of: payload) ?? "" } }
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
