extension Manifest {
    /// The file that keeps durable tasks.
    package struct TaskStore: Sendable, Hashable {
        /// An absolute path.
        package var path: String
        /// How long what is done can still be looked at.
        package var keep: Duration = .seconds(24 * 60 * 60)
        /// How long a dead letter can still be looked at.
        package var keepFailed: Duration = .seconds(30 * 24 * 60 * 60)
        /// How long a request waits while other processes write.
        package var lockTimeout: Duration = .seconds(5)

        package init(path: String) { self.path = path }
    }
}
