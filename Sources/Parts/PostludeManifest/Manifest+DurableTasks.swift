extension Manifest {
    /// What holds for the durable tasks of one kind instead of what the application's code says; `nil` if that holds.
    package struct DurableTask: Sendable, Hashable {
        /// The kind's name.
        package var kind: String
        /// How often a task is called at most.
        package var attempts: Int?
        /// The time between the first failure and the second attempt.
        package var delay: Duration?
        /// By how much each delay is longer than the one before.
        package var factor: Double?
        package var maximumDelay: Duration?
        /// By which part of itself a delay is made longer or shorter at random.
        package var jitter: Double?
        /// After this time an attempt is cancelled.
        package var deadline: Duration?
        /// After this time a task does not begin any more.
        package var expiry: Duration?
        package var priority: Priority?
        package var runs: Place?
        package var promotion: Promotion?
        /// Where the kind's name stands in the file.
        package var location: SourceLocation

        package init(_ kind: String, location: SourceLocation) {
            self.kind = kind
            self.location = location
        }

        package enum Priority: String, Sendable, Hashable, CaseIterable {
            case high, normal, low
        }

        /// Where tasks run.
        package struct Place: Sendable, Hashable {
            /// The broker's; `nil` for this machine's processes.
            package var queue: String?
            package var location: SourceLocation
        }

        /// Where tasks go that do not come to their end here.
        package struct Promotion: Sendable, Hashable {
            package enum Occasion: String, Sendable, Hashable, CaseIterable {
                case deadline, attempts, shutdown
            }

            package var place: Place
            package var occasions = Set(Occasion.allCases)
        }
    }

    /// A durable task that is added again and again.
    package struct Schedule: Sendable, Hashable {
        package var name: String
        /// Five fields, as cron has them.
        package var cron: Placed<String>
        /// Of the tz database.
        package var timeZone: Placed<String>
        /// The kind's name.
        package var task: Placed<String>
        /// A mapping.
        package var arguments: Value
        package var overlap: Overlap = .skip

        /// What happens when the schedule's last task is not over.
        package enum Overlap: String, Sendable, Hashable, CaseIterable {
            /// Another one is added.
            case run
            /// None is.
            case skip
        }
    }

    /// A value of which only others know whether it is right.
    package struct Placed<Content: Sendable & Hashable>: Sendable, Hashable {
        package var value: Content
        package var location: SourceLocation
    }

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

    /// The broker to which tasks go, and whose queues `work` consumes.
    package struct Celery: Sendable, Hashable {
        package var broker: Address
        /// Where Celery keeps results; `nil` if results are not kept.
        package var results: Address?
        /// Where the mapping begins in the file.
        package var location: SourceLocation

        package init(broker: Address, results: Address? = nil, location: SourceLocation) {
            self.broker = broker
            self.results = results
            self.location = location
        }
    }

    /// A broker's URL. It may hold a password: what prints it must not show that.
    package struct Address: Sendable, Hashable {
        package var url: String
        package var location: SourceLocation

        package init(_ url: String, location: SourceLocation) {
            self.url = url
            self.location = location
        }
    }
}
