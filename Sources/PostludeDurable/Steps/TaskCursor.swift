internal import PostludeSystem

/// The position of a durable task in a long loop, which is saved from time to time: see
/// ``Postlude/TaskContext/cursor(_:from:every:or:)``.
public final class TaskCursor<Value: Codable & Sendable>: Sendable {
    private struct State {
        var value: Value
        var unsaved = 0
        var saved = MonotonicTime.now
    }

    private let name: String
    private let steps: TaskSteps
    private let count: Int
    private let interval: Duration
    private let state: Lock<State>

    init(_ name: String, of steps: TaskSteps, at value: Value, every count: Int, or interval: Duration) {
        self.name = name
        self.steps = steps
        self.count = count
        self.interval = interval
        state = Lock(State(value: value))
    }

    /// The value that the last ``advance(to:)`` has set, or with which the attempt has begun.
    public var value: Value { state.withLock { $0.value } }

    /// Moves the cursor, and saves it if that is due.
    ///
    /// - Throws: ``TaskStepError``; an error if the task store cannot be written, or if another process has taken the task over.
    public func advance(to value: Value) throws {
        let isDue = state.withLock { state in
            state.value = value
            state.unsaved += 1
            return state.unsaved >= count || .now - state.saved >= interval
        }
        if isDue { try save() }
    }

    /// Saves the cursor now, such as after the loop. It is on the disk when this returns.
    ///
    /// - Throws: as ``advance(to:)``.
    public func save() throws {
        let value = state.withLock { $0.unsaved > 0 ? $0.value : nil }
        guard let value else { return }
        try steps.keep(value, as: name)
        state.withLock { state in
            state.unsaved = 0
            state.saved = .now
        }
    }
}
