/// The existing tasks that stand for a new one of their kind with the same unique key.
public enum UniqueScope: Sendable, Hashable {
    /// A task that is not over. After its end its key is free.
    case unfinished
    /// A task that is in the task store, in whatever state. The manifest's `task-store.keep` and `keep-failed` set how long it
    /// stays there.
    case stored
}
