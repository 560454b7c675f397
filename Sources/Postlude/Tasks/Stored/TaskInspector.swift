/// Reports the tasks of a store, and changes them on request, in any process. The status pages use it.
package protocol TaskInspector: Sendable {
    /// The name and version of the library that stores the tasks.
    var library: String { get }

    func report() throws -> StoredTaskReport

    /// Returns a page of dead letters, those that were added last first.
    ///
    /// - Parameters:
    ///   - after: the `next` of the previous page; nil for the first one.
    ///   - limit: the maximum number of dead letters.
    func deadLetters(after: Int64?, limit: Int) throws -> DeadLetterPage

    /// Returns the task with an id, or else the tasks of the request with that id.
    ///
    /// - Parameter id: as the client has sent it, which may be malformed.
    func find(_ id: String) throws -> FoundTasks

    /// Changes a task, the tasks of a kind with a unique key, or all tasks of a kind.
    ///
    /// - Parameters:
    ///   - target: the task's id, or the name of a kind, as the client has sent it, which may be malformed. Only
    ///     ``TaskAction/isForKinds`` actions take a name.
    ///   - key: with the name of a kind: only the tasks with this unique key; nil for all of them.
    ///   - who: the user, for the record of actions.
    func perform(
        _ action: TaskAction, on target: String, key: String?, by who: String
    ) throws -> TaskActionResult
}

package enum TaskAction: String, Sendable, CaseIterable {
    case retry, discard, pause, resume, cancel

    /// Whether it can change all tasks of a kind.
    package var isForKinds: Bool {
        switch self {
        case .retry, .discard: false
        case .pause, .resume, .cancel: true
        }
    }
}

package enum TaskActionResult: Sendable, Hashable {
    case changed
    /// There is no such task.
    case unknown
    /// The task is unchanged, for this reason.
    case refused(String)
}

/// The unfinished tasks and the dead letters of a store.
package struct StoredTaskReport: Codable, Sendable, Hashable {
    /// The tasks of one name.
    package struct Kind: Codable, Sendable, Hashable {
        package var name: String
        package var waiting = 0
        package var running = 0
        /// The number of tasks that are still to be sent to a broker.
        package var outgoing = 0
        /// The number of dead letters.
        package var failed = 0
        /// The number of waiting tasks that are due, and that some process could not read; nil if there are none.
        package var unreadable: Int?
        /// The number of waiting tasks that are due, and that the kind's limit may hold back; nil if there are none.
        package var limited: Int?
        /// Whether the kind is paused.
        package var paused = false

        package init(name: String) { self.name = name }
    }

    package struct DeadLetter: Codable, Sendable, Hashable {
        package var id: String
        package var name: String
        package var attempts: Int
        package var error: String
        /// The time at which the task failed for good, in seconds since 1970.
        package var ended: Int

        package init(id: String, name: String, attempts: Int, error: String, ended: Int) {
            self.id = id
            self.name = name
            self.attempts = attempts
            self.error = error
            self.ended = ended
        }
    }

    /// Something that is paused: a kind, the tasks of a kind with a unique key, or a task.
    package struct Pause: Codable, Sendable, Hashable {
        /// The name of the kind; nil for a task.
        package var name: String?
        package var key: String?
        package var id: String?
        /// When it was paused, in seconds since 1970.
        package var since: Int
        package var who: String

        package init(name: String?, key: String? = nil, id: String? = nil, since: Int, who: String) {
            self.name = name
            self.key = key
            self.id = id
            self.since = since
            self.who = who
        }
    }

    /// A change that was requested.
    package struct Action: Codable, Sendable, Hashable {
        /// In seconds since 1970.
        package var time: Int
        package var who: String
        package var action: String
        package var target: String
        package var result: String

        package init(time: Int, who: String, action: String, target: String, result: String) {
            self.time = time
            self.who = who
            self.action = action
            self.target = target
            self.result = result
        }
    }

    package var names: [Kind]
    /// What is paused, the oldest pause first.
    package var pauses: [Pause] = []
    /// The last changes that were requested, the newest one first.
    package var actions: [Action] = []
    /// How long the task that has no worker yet has been due; nil if none is due. It is in no process's memory.
    package var oldestWaitingAge: Double?
    /// How long the oldest unfinished task has been due, in seconds; nil if there is none.
    package var oldestAge: Double?
    /// The newest dead letters, the newest one first.
    package var deadLetters: [DeadLetter]

    package init(
        names: [Kind], oldestAge: Double?, oldestWaitingAge: Double? = nil, deadLetters: [DeadLetter]
    ) {
        self.names = names
        self.oldestAge = oldestAge
        self.oldestWaitingAge = oldestWaitingAge
        self.deadLetters = deadLetters
    }

    enum CodingKeys: String, CodingKey {
        case names, pauses, actions
        case oldestAge = "oldest age"
        case oldestWaitingAge = "oldest waiting age"
        case deadLetters = "dead letters"
    }
}

/// A page of the dead letters of a store.
package struct DeadLetterPage: Codable, Sendable, Hashable {
    package var deadLetters: [StoredTaskReport.DeadLetter]
    /// The value of `after` for the next page; nil if there is none.
    package var next: Int64?

    package init(deadLetters: [StoredTaskReport.DeadLetter], next: Int64?) {
        self.deadLetters = deadLetters
        self.next = next
    }

    enum CodingKeys: String, CodingKey {
        case next
        case deadLetters = "dead letters"
    }
}
