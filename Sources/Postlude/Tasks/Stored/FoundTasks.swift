/// The stored tasks that a search for a task or a request has found.
package struct FoundTasks: Codable, Sendable, Hashable {
    /// The tasks, the oldest first.
    package var tasks: [Task] = []
    /// Whether all tasks were searched.
    package var isComplete = true

    package init() {}

    /// A stored task. Times are in seconds since 1970.
    package struct Task: Codable, Sendable, Hashable {
        package var id: String
        package var name: String
        package var state: String
        package var isPaused = false
        /// Whether it stays as it is, unless it is retried on request.
        package var isOver = false
        /// Whether a process has it.
        package var isHeld = false
        /// The id of its request, and its position among the tasks of that, from 0.
        package var request: String
        package var position: Int
        package var route: String?
        package var priority: String
        /// The number of attempts that have begun.
        package var attempts: Int
        /// How often a process has died while it ran the task.
        package var deaths: Int
        package var added: Double
        /// The earliest time of the next attempt.
        package var due: Double
        package var expires: Double?
        package var started: Double?
        package var ended: Double?
        package var key: String?
        package var queue: String?
        /// Whose limit applies to it.
        package var limit: String?
        package var progress: Progress?
        /// The last error.
        package var error: String?
        /// The id of the task whose failure has stopped it.
        package var stoppedBy: String?
        /// The attempts that have failed, the oldest first.
        package var failures: [Failure] = []
        /// The names of the steps whose results are kept.
        package var steps: [String] = []
        /// The changes that were requested, the newest first.
        package var actions: [StoredTaskReport.Action] = []
        /// JSON text; nil if the reader may not see it.
        package var values: String?
        package var result: String?

        package init(
            id: String, name: String, state: String, request: String, position: Int, priority: String,
            attempts: Int, deaths: Int, added: Double, due: Double
        ) {
            self.id = id
            self.name = name
            self.state = state
            self.request = request
            self.position = position
            self.priority = priority
            self.attempts = attempts
            self.deaths = deaths
            self.added = added
            self.due = due
        }

        enum CodingKeys: String, CodingKey {
            case id, name, state, request, position, route, priority, attempts, deaths, added, due, expires,
                started, ended, key, queue, limit, progress, error, failures, steps, actions, values, result
            case isPaused = "paused"
            case isOver = "over"
            case isHeld = "held"
            case stoppedBy = "stopped by"
        }
    }

    package struct Progress: Codable, Sendable, Hashable {
        /// From 0 to 1.
        package var fraction: Double
        package var message: String

        package init(fraction: Double, message: String) {
            self.fraction = fraction
            self.message = message
        }
    }

    /// An attempt that has failed.
    package struct Failure: Codable, Sendable, Hashable {
        package var attempt: Int
        package var started: Double
        package var error: String

        package init(attempt: Int, started: Double, error: String) {
            self.attempt = attempt
            self.started = started
            self.error = error
        }
    }
}
