internal import PostludeTaskStore

/// The existing tasks that stand for a new one of their kind with the same unique key.
public enum UniqueScope: Sendable, Hashable {
    /// A task that is not over. After its end its key is free.
    case unfinished
    /// A task that is in the task store, in whatever state. The manifest's `task-store.keep` and `keep-failed` set how long it
    /// stays there.
    case stored
    /// A task that is not over, or that was added within this time before the new one. It is kept for as long, whatever
    /// `task-store.keep` is.
    ///
    /// ```swift
    /// try tasks.enqueue(Charge(order: 7), unique: order.id, while: .within(.seconds(3600)))
    /// ```
    case within(Duration)
}

extension UniqueKeyScope {
    init(_ scope: UniqueScope) {
        self =
            switch scope {
            case .unfinished: .unfinished
            case .stored: .stored
            case .within(let window): .within(window)
            }
    }
}
