extension Manifest {
    /// Settings for the durable tasks of one kind, which override the policy in the application's code. A property that is
    /// `nil` overrides nothing.
    package struct DurableTask: Sendable, Hashable {
        /// The kind's name.
        package var kind: String
        /// The largest number of attempts.
        package var attempts: Int?
        /// The delay between the first failure and the second attempt.
        package var delay: Duration?
        /// The ratio of each delay to the previous one.
        package var factor: Double?
        package var maximumDelay: Duration?
        /// The largest part of a delay by which it is lengthened or shortened at random, from 0 to 1.
        package var jitter: Double?
        /// The time after which an attempt is cancelled.
        package var deadline: Duration?
        /// The time after which a task that has not begun is dropped.
        package var expiry: Duration?
        package var priority: Priority?
        package var runs: Execution?
        package var rerouting: Rerouting?
        package var limit = Limit()
        /// The position of the kind's name in the file.
        package var location: SourceLocation

        package init(_ kind: String, location: SourceLocation) {
            self.kind = kind
            self.location = location
        }

        package enum Priority: String, Sendable, Hashable, CaseIterable {
            case high, normal, low
        }

        /// The place where tasks run: a broker's queue, or this machine.
        package struct Execution: Sendable, Hashable {
            /// The broker's queue; `nil` for the processes of this machine.
            package var queue: String?
            package var location: SourceLocation
        }

        /// The queue to which a task moves if it cannot finish here, and the occasions on which it moves.
        package struct Rerouting: Sendable, Hashable {
            package enum Occasion: String, Sendable, Hashable, CaseIterable {
                case deadline, attempts, shutdown
            }

            package var destination: Execution
            package var occasions = Set(Occasion.allCases)
        }

        /// How many tasks run at once, or begin within a time, in all processes.
        package struct Limit: Sendable, Hashable {
            package struct Rate: Sendable, Hashable {
                package var count: Int
                package var period: Duration
            }

            package var running: Int?
            package var rate: Rate?
            /// The member of the task by whose value the limit is divided.
            package var member: Located<String>?
            /// Whether tasks run one after another, in the order in which they were added.
            package var isStrict: Bool?
            /// The position of the first of these keys; `nil` if there is none.
            package var location: SourceLocation?

            package init() {}
        }
    }

    /// A durable task that is added at the times of a cron expression.
    package struct Schedule: Sendable, Hashable {
        package var name: String
        /// The five fields of a cron expression.
        package var cron: Located<String>
        /// The name of a time zone in the tz database.
        package var timeZone: Located<String>
        /// The name of the task's kind.
        package var task: Located<String>
        /// The members of the task, as a mapping.
        package var arguments: Value
        package var overlap: Overlap = .skip

        /// The choice at a scheduled time if the schedule's previous task has not ended.
        package enum Overlap: String, Sendable, Hashable, CaseIterable {
            /// Adds another task.
            case run
            /// Adds no task.
            case skip
        }
    }

    /// A value with its position in the file, for a check by another module.
    package struct Located<Content: Sendable & Hashable>: Sendable, Hashable {
        package var value: Content
        package var location: SourceLocation
    }

    /// The file or the server that keeps durable tasks, and for how long it does. The latter also applies to tasks in the
    /// application's database.
    package struct TaskStore: Sendable, Hashable {
        /// The absolute path of the SQLite file, or the address of a PostgreSQL database, which may contain a password; `nil` if
        /// the application's code names the store.
        package var path: String?
        /// The position of the mapping, or of `path`, in the file; `nil` if the manifest has none.
        package var location: SourceLocation?
        /// The time for which the record of a finished task is kept.
        package var keep: Duration = .seconds(24 * 60 * 60)
        /// The time for which a dead letter is kept.
        package var keepFailed: Duration = .seconds(30 * 24 * 60 * 60)
        /// The time for which a request waits for the database's lock while other processes write.
        package var lockTimeout: Duration = .seconds(5)
        /// The size of the answers that are kept for `Idempotency-Key`, in bytes, above which requests with new keys are
        /// refused.
        package var maximumAnswers = 1 << 30

        package init(path: String? = nil, location: SourceLocation? = nil) {
            self.path = path
            self.location = location
        }

        /// Whether the place is an address of PostgreSQL, as libpq takes it: a URL, or pairs such as `service=shop`.
        package var isServer: Bool { path.map(Self.isServer) ?? false }

        /// Whether a place is an address of PostgreSQL, as libpq takes it.
        static func isServer(_ path: String) -> Bool {
            let word = path.utf8.prefix { $0 != UInt8(ascii: "=") }
            let isPair =
                word.endIndex < path.utf8.endIndex && !word.isEmpty
                && word.allSatisfy {
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "_")
                }
            return path.hasPrefix("postgresql://") || path.hasPrefix("postgres://") || isPair
        }
    }

    /// The broker to which tasks are sent, and whose queues `work` consumes.
    package struct Celery: Sendable, Hashable {
        package var broker: Address
        /// The database where Celery keeps results; `nil` if results are not kept.
        package var results: Address?
        /// The position of the mapping in the file.
        package var location: SourceLocation

        package init(broker: Address, results: Address? = nil, location: SourceLocation) {
            self.broker = broker
            self.results = results
            self.location = location
        }
    }

    /// A broker's URL. It may contain a password, which must not be shown.
    package struct Address: Sendable, Hashable {
        package var url: String
        package var location: SourceLocation

        package init(_ url: String, location: SourceLocation) {
            self.url = url
            self.location = location
        }
    }
}
