package import FoundationEssentials
package import PostludeSystem

/// How a task store behaves; the defaults are right for a server.
package struct TaskStoreSettings: Sendable {
    /// How long a write waits while other processes write.
    package var lockTimeout: Duration = .seconds(5)
    /// Longest delay before an asynchronous write gets a transaction of its own.
    package var noteDelay: Duration = .milliseconds(10)
    /// The time, for tests.
    package var now: @Sendable () -> Date = { Date() }
    /// Told of asynchronous writes that have failed; called by the writer's thread, which it must
    /// not make wait: it does not use the task store.
    package var report: @Sendable (TaskStoreError) -> Void = { _ in }
    /// Told of each record that was running when its process died: by the writer's thread, before it is committed, and
    /// once more if that fails.
    package var died: @Sendable (RecordDeath) -> Void = { _ in }
    /// How a process that is dead has ended.
    package var end: @Sendable (_ pid: Int64) -> ProcessEnd = { _ in .unknown }

    /// Told of what the person on call should know though nothing has failed; called by the writer's thread, too.
    package var warn: @Sendable (String) -> Void = { _ in }

    package init() {}
}

/// What a program wants of a task store.
package enum TaskStoreRole: Sendable {
    /// It runs tasks: it is an owner, and makes the file if there is none.
    case process
    /// It looks and steers, and appends for others.
    case visitor
}
