package import FoundationEssentials

/// A task for a Celery worker, of whatever language: message protocol 2.
///
/// It says what is meant; ``amqpMessage(to:)`` and ``redisMessage(to:keyPrefix:tag:)`` make what is sent, and only that
/// is checked.
package struct CeleryMessage: Sendable, Hashable {
    /// The name under which the worker knows the task, such as `app.resize`.
    package var task: String
    /// The same everywhere: in the task store, in the log, in Celery's results.
    package var id: String
    /// The positional arguments: the text of a JSON array.
    package var arguments: String
    /// The named arguments: the text of a JSON object.
    package var keywordArguments: String
    /// Not to be run before.
    package var eta: Date?
    /// Not to be run after: a worker revokes it then.
    package var expires: Date?
    /// Attempts that were made before.
    package var retries = 0
    package var timeLimit = TimeLimit()
    /// The task with which it all began; nil for this one.
    package var rootID: String?
    package var parentID: String?
    package var priority: MessagePriority?
    /// The queue for an answer (`rpc://`).
    package var replyTo: String?
    /// Who has sent it, as monitoring shows it.
    package var origin = "postlude"
    /// What the task finds in `self.request` besides, such as `request_id` and `traceparent`.
    package var headers: [HeaderValue.Member] = []

    package struct TimeLimit: Sendable, Hashable {
        /// Seconds after which the worker kills the task's process.
        package var hard: Double?
        /// Seconds after which the task gets an exception.
        package var soft: Double?

        package init(hard: Double? = nil, soft: Double? = nil) {
            self.hard = hard
            self.soft = soft
        }
    }

    package init(
        task: String, id: String, arguments: String = "[]", keywordArguments: String = "{}"
    ) {
        self.task = task
        self.id = id
        self.arguments = arguments
        self.keywordArguments = keywordArguments
    }
}

/// Which of a queue's messages comes first.
///
/// RabbitMQ's queues (those with `x-max-priority`) give the highest number first, kombu's lists on Redis the lowest:
/// the names mean the same on both.
package enum MessagePriority: Sendable, Hashable {
    case high
    case normal
    case low
    /// The number as the broker takes it, 0 to 9.
    case number(UInt8)

    var onRabbitMQ: UInt8 {
        switch self {
        case .high: 9
        case .normal: 5
        case .low: 0
        case .number(let number): number
        }
    }

    /// A message without a priority is in the first list.
    var onRedis: UInt8 {
        switch self {
        case .high: 0
        case .normal: 3
        case .low: 6
        case .number(let number): number
        }
    }
}
