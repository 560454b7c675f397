/// Looks at stored tasks from outside, and steers them: how the status pages see a store, from whichever process.
package protocol TaskInspector: Sendable {
    /// The library that keeps the tasks, with its version.
    var library: String { get }

    func report() throws -> StoredTaskReport

    /// Has a task run once more, or takes it back.
    ///
    /// - Parameter id: as the client has got it, which may be no id at all.
    func steer(_ step: TaskSteering, _ id: String) throws -> TaskSteeringResult
}

package enum TaskSteering: String, Sendable, CaseIterable {
    case retry, discard
}

package enum TaskSteeringResult: Sendable, Hashable {
    case changed
    /// There is no such task.
    case unknown
    /// It is as it was; why.
    case refused(String)
}

/// What a store holds that is not over, and what has failed.
package struct StoredTaskReport: Codable, Sendable, Hashable {
    /// The tasks of one name.
    package struct Kind: Codable, Sendable, Hashable {
        package var name: String
        package var waiting = 0
        package var running = 0
        /// For a broker that has not got them yet.
        package var outgoing = 0
        /// Dead letters.
        package var failed = 0

        package init(name: String) { self.name = name }
    }

    package struct DeadLetter: Codable, Sendable, Hashable {
        package var id: String
        package var name: String
        package var attempts: Int
        package var error: String
        /// Seconds since 1970.
        package var ended: Int

        package init(id: String, name: String, attempts: Int, error: String, ended: Int) {
            self.id = id
            self.name = name
            self.attempts = attempts
            self.error = error
            self.ended = ended
        }
    }

    package var names: [Kind]
    /// For how many seconds the oldest one is due that is not over; nil where none is.
    package var oldestAge: Double?
    /// The newest of them, the newest one first.
    package var deadLetters: [DeadLetter]

    package init(names: [Kind], oldestAge: Double?, deadLetters: [DeadLetter]) {
        self.names = names
        self.oldestAge = oldestAge
        self.deadLetters = deadLetters
    }

    enum CodingKeys: String, CodingKey {
        case names
        case oldestAge = "oldest age"
        case deadLetters = "dead letters"
    }
}
