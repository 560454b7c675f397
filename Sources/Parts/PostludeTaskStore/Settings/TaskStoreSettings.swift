package import FoundationEssentials
package import PostludeSystem

/// The settings of a task store. The defaults are those of a server.
package struct TaskStoreSettings: Sendable {
    /// How long a write waits while other processes write.
    package var lockTimeout: Duration = .seconds(5)
    /// Longest delay before an asynchronous write gets a transaction of its own.
    package var noteDelay: Duration = .milliseconds(10)
    /// The size of all answers together, in bytes, above which no further one begins. Those that have begun are stored.
    package var maximumAnswers = 1 << 30
    /// Returns the current time. Tests replace it.
    package var now: @Sendable () -> Date = { Date() }
    /// Called with the error of asynchronous writes that have failed, often on the writer's thread: it must not block, or use
    /// the task store.
    package var report: @Sendable (TaskStoreError) -> Void = { _ in }
    /// Called for each record that was running when its process died, on the writer's thread, before this is committed. Called
    /// once more if the commit fails.
    package var died: @Sendable (RecordDeath) -> Void = { _ in }
    /// Returns how a dead process has ended.
    package var end: @Sendable (_ pid: Int64) -> ProcessEnd = { _ in .unknown }

    /// Whether rates are counted by the clock of the server that keeps the records, if there is one. Tests that replace ``now`` count by
    /// that.
    package var usesServerClock = true

    /// Called if another program may have stored records that are due, or if records of a dead owner, or records that a limit has kept
    /// waiting, can be claimed; on a thread of the store: it must not block, or use the task store. A store calls it if it can know
    /// this.
    package var arrived: @Sendable () -> Void = {}
    /// Called after this process has written notes or records, also on the writer's thread.
    package var written: @Sendable () -> Void = {}
    /// Called with warnings for the operator though nothing has failed, also on the writer's thread.
    package var warn: @Sendable (String) -> Void = { _ in }

    package init() {}
}

/// How a program uses a task store.
package enum TaskStoreRole: Sendable {
    /// It runs tasks: it is an owner, and creates the store if there is none.
    case process
    /// It inspects and changes records, and appends records for other processes.
    case visitor
}
