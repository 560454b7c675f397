internal import FoundationEssentials
internal import Logging
internal import Postlude
internal import PostludeSystem
internal import PostludeTaskStore

/// The steps of a durable task: what its attempts have kept, and what the current one has reached.
final class TaskSteps: Sendable {
    /// The maximum number of a task's steps, with its cursors and sleeps.
    static let limit = 1000
    /// The maximum size of a kept value as JSON, in bytes.
    static let valueLimit = 256 << 10
    /// The maximum length of a name, in bytes.
    static let nameLimit = 200

    private struct State {
        /// What was kept, by name; nil before it is read.
        var kept: [String: RecordStep]?
        /// The names that the attempt has reached, in their order.
        var reached: [String] = []
        var sleeps = 0
        var hasWarned = false
        /// When the task continues, if it has gone to sleep in this attempt.
        var wake: Date?
    }

    private let task: String
    private let id: RecordID
    private let taskStore: any RecordStore
    private let isOffline: Bool
    private let state: Lock<State>

    /// - Parameters:
    ///   - isOffline: whether delays are skipped, in a test without a server.
    ///   - isNew: whether no attempt has been made in another process, so that nothing can have been kept.
    init(of id: RecordID, task: String, in taskStore: any RecordStore, isOffline: Bool, isNew: Bool) {
        self.id = id
        self.task = task
        self.taskStore = taskStore
        self.isOffline = isOffline
        state = Lock(State(kept: isNew ? [:] : nil))
    }

    /// When the task continues; nil if it has not gone to sleep in this attempt.
    var wake: Date? { state.withLock { $0.wake } }

    /// Begins an attempt.
    func begin() { state.withLock { $0 = State(kept: $0.kept) } }

    /// Reaches a step.
    ///
    /// - Returns: what an earlier attempt has kept; nil if the step is to be taken.
    func reach(_ name: String) throws -> RecordStep? {
        guard 1...Self.nameLimit ~= name.utf8.count, !name.utf8.contains(0) else {
            throw TaskStepError.invalidName(step: name, task: task)
        }
        let kept = try loaded()
        let (step, change) = try state.withLock { state -> (RecordStep?, Change?) in
            // The task has caught the error by which it sleeps.
            if let wake = state.wake { throw TaskSleep(until: wake) }
            guard !state.reached.contains(name) else {
                throw TaskStepError.repeated(step: name, task: task)
            }
            let step = kept[name]
            guard step != nil || kept.count < Self.limit else { throw TaskStepError.tooMany(task: task) }
            let change = Change(reaching: name, after: state.reached, kept)
            state.reached.append(name)
            defer { if change != nil { state.hasWarned = true } }
            return (step, state.hasWarned ? nil : change)
        }
        if let change { warn(change) }
        return step
    }

    /// Keeps the value of a step that this attempt has reached. It is on the disk when this returns.
    func keep(_ value: some Encodable, as name: String) throws {
        let data: Data
        do {
            data = try StoredValues.encode(value)
        } catch {
            throw TaskStepError.unwritable(step: name, task: task, reason: "\(error)")
        }
        guard data.count <= Self.valueLimit else {
            throw TaskStepError.tooLarge(step: name, task: task, bytes: data.count)
        }
        let position = state.withLock { $0.reached.firstIndex(of: name) } ?? 0
        let step = RecordStep(name: name, position: position, value: data)
        try taskStore.keep(step, of: id)
        state.withLock { $0.kept?[name] = step }
    }

    func value<Value: Decodable>(_ type: Value.Type, of step: RecordStep) throws -> Value {
        do {
            return try StoredValues.decode(type, from: step.value)
        } catch {
            throw TaskStepError.unreadable(step: step.name, task: task, reason: "\(error)")
        }
    }

    /// Ends the attempt if the task is to sleep.
    ///
    /// - Parameter name: nil for a name by the number of the sleep.
    func sleep(_ name: String?, for duration: Duration) throws {
        let name =
            name
            ?? state.withLock { state in
                state.sleeps += 1
                return "sleep \(state.sleeps)"
            }
        let now = Date()
        let wake: Date
        if let step = try reach(name) {
            wake = Date(milliseconds: try value(Int64.self, of: step))
        } else {
            wake = Date(milliseconds: now.advanced(by: duration).milliseconds)
            // In a test without a server, delays are skipped: the next attempt continues.
            try keep((isOffline ? now : wake).milliseconds, as: name)
        }
        guard wake > now else { return }
        state.withLock { $0.wake = wake }
        throw TaskSleep(until: wake)
    }

    /// Ends an attempt that has succeeded.
    ///
    /// - Throws: if the task has caught the error by which it sleeps.
    func end() throws {
        let (wake, missing) = state.withLock { state -> (Date?, RecordStep?) in
            let missing = state.kept?.values.filter { !state.reached.contains($0.name) }
                .min { $0.position < $1.position }
            return (state.wake, state.hasWarned ? nil : missing)
        }
        if let wake { throw TaskSleep(until: wake) }
        if let missing { warn(Change(step: missing.name, now: nil, before: missing.position)) }
    }

    private func loaded() throws -> [String: RecordStep] {
        if let kept = state.withLock({ $0.kept }) { return kept }
        let steps = try taskStore.steps(of: id)
        let kept = Dictionary(steps.map { ($0.name, $0) }) { first, _ in first }
        state.withLock { $0.kept = kept }
        return kept
    }

    /// A step that has another place in this attempt than in an earlier one, which had kept it.
    private struct Change {
        var step: String
        /// The position in this attempt; nil if it has not reached the step.
        var now: Int?
        var before: Int

        init(step: String, now: Int?, before: Int) {
            self.step = step
            self.now = now
            self.before = before
        }

        /// - Returns: nil if the step is where it was kept.
        init?(reaching name: String, after reached: [String], _ kept: [String: RecordStep]) {
            let position = reached.count
            if let step = kept[name] {
                guard step.position != position else { return nil }
                self.init(step: name, now: position, before: step.position)
            } else {
                // What is new, or was not kept, must not be where another step was kept.
                let other = kept.values.first { $0.position == position && !reached.contains($0.name) }
                guard let other else { return nil }
                self.init(step: other.name, now: nil, before: other.position)
            }
        }
    }

    private func warn(_ change: Change) {
        Logger.current.warning(
            "a durable task takes its steps in another order than an earlier attempt, which has kept one",
            metadata: [
                "task": "\(task)", "id": "\(id)", "step": "\(change.step)",
                "position": "\(change.now.map { "\($0 + 1)" } ?? "not reached")",
                "kept": "\(change.before + 1)",
            ])
    }
}

extension TaskSleep {
    fileprivate init(until wake: Date) { self.init(for: .seconds(max(0, wake.timeIntervalSinceNow))) }
}

/// Why a step of a durable task cannot be taken or kept. Another attempt would end in the same way, so that the task is a dead
/// letter at once; when the program is repaired, `tasks retry` continues it after the steps that were kept.
public enum TaskStepError: Error, Sendable, Hashable {
    /// The task is not a durable one of this program, or its transaction is open or was committed.
    case unavailable(task: String)
    /// The attempt has reached a step of this name before. Names differ, such as `"page \(number)"`.
    case repeated(step: String, task: String)
    /// A name has 1 to 200 bytes, without NUL.
    case invalidName(step: String, task: String)
    /// A task has at most 1000 steps, cursors and sleeps.
    case tooMany(task: String)
    /// A kept value has at most 256 KiB as JSON.
    case tooLarge(step: String, task: String, bytes: Int)
    /// What an earlier attempt has kept is not of the step's type.
    case unreadable(step: String, task: String, reason: String)
    /// The result cannot be encoded as JSON.
    case unwritable(step: String, task: String, reason: String)
}

extension TaskStepError: PermanentTaskError {}

extension TaskStepError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unavailable(let task):
            """
            the task \(task) has no steps: it is not a durable task that runs in this program, or its transaction is open or has \
            ended it
            """
        case .repeated(let step, let task):
            "the task \(task) takes the step \"\(step)\" twice in one attempt; give each step a name of its own"
        case .invalidName(let step, let task):
            """
            the task \(task) has a step whose name has \(step.utf8.count) bytes or a NUL: expected 1 to \(TaskSteps.nameLimit) \
            bytes without NUL
            """
        case .tooMany(let task):
            "the task \(task) has more than \(TaskSteps.limit) steps; use a cursor for a long loop"
        case .tooLarge(let step, let task, let bytes):
            """
            the step "\(step)" of the task \(task) has a result of \(bytes) bytes, more than the \(TaskSteps.valueLimit) that \
            are kept; keep a reference to it, such as a file's path
            """
        case .unreadable(let step, let task, let reason):
            "the kept result of the step \"\(step)\" of the task \(task) is not of its type: \(reason)"
        case .unwritable(let step, let task, let reason):
            "the result of the step \"\(step)\" of the task \(task) cannot be kept as JSON: \(reason)"
        }
    }
}
