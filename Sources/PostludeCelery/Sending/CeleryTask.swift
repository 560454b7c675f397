public import FoundationEssentials
public import Postlude
internal import PostludeBroker
public import PostludeDurable
internal import PostludeTaskStore

/// A task that a Celery worker runs, of whatever language, called by its name.
///
/// ```swift
/// func upload(image: JSONBody<Image>, tasks: BackgroundTasks) throws -> Accepted<[String: String]> {
///     try tasks.send(CeleryTask("app.resize", image.value.path, keywords: ["width": 200]), to: "images")
///     return Accepted(["status": "accepted"])
/// }
/// ```
public struct CeleryTask: Sendable {
    /// Which of a queue's tasks come first: on RabbitMQ in queues with `x-max-priority`, on Redis in kombu's lists.
    public enum Priority: String, Sendable, Hashable, CaseIterable, Codable {
        /// 9 on RabbitMQ, the first list on Redis.
        case high
        /// 5 on RabbitMQ, the second list on Redis.
        case normal
        /// 0 on RabbitMQ, the third list on Redis.
        case low
    }

    /// The name under which the worker knows the task.
    public var name: String
    /// The positional arguments.
    public var arguments: [any Encodable & Sendable]
    /// The named arguments.
    public var keywords: [String: any Encodable & Sendable]
    /// nil for a new one.
    public var id: UUID?
    /// A worker does not begin it before (`eta`).
    public var notBefore: Date?
    /// A worker does not begin it after.
    public var expires: Date?
    /// The worker ends the task's process after this time.
    public var timeLimit: Duration?
    /// After this time, Celery raises an exception in the task.
    public var softTimeLimit: Duration?
    /// nil for a message without a priority: the last ones on RabbitMQ, the first list on Redis.
    public var priority: Priority?
    /// What the task finds in `self.request` besides; `request_id` is there.
    public var headers: [String: String] = [:]

    /// - Parameters:
    ///   - name: such as `app.resize`.
    ///   - arguments: the positional arguments; what they encode must be JSON.
    ///   - keywords: the named arguments.
    ///   - id: nil for a new one.
    ///   - delay: a worker does not begin it before that time is over (`countdown`).
    ///   - expiry: a worker does not begin it when that time is over.
    public init<each Argument: Encodable & Sendable>(
        _ name: String, _ arguments: repeat each Argument, keywords: [String: any Encodable & Sendable] = [:],
        id: UUID? = nil, after delay: Duration? = nil, expiry: Duration? = nil
    ) {
        self.name = name
        var list: [any Encodable & Sendable] = []
        for argument in repeat each arguments { list.append(argument) }
        self.arguments = list
        self.keywords = keywords
        self.id = id
        let now = Date()
        notBefore = delay.map { now.addingTimeInterval($0 / .seconds(1)) }
        expires = expiry.map { now.addingTimeInterval($0 / .seconds(1)) }
    }
}

extension BackgroundTasks {
    /// Sends a task to a queue of the application's broker.
    ///
    /// It is in the task store before the first byte of the response is written, its id in the response's `Task-Id`, and
    /// leaves after the response, in the order of its queue; while the broker is away, it waits. A handler that throws
    /// sends nothing.
    ///
    /// - Returns: the task's id, which is Celery's too.
    /// - Throws: where a worker would not take it: what is wrong; `DurableTaskError` where the application's
    ///   `taskEngine` has no broker; `LateTaskError` once the response has begun; what encoding an argument throws.
    @discardableResult
    public func send(_ task: CeleryTask, to queue: String) throws -> DurableTaskHandle {
        var record = NewRecord(name: task.name, payload: Data(try SentCeleryTask(task).payload.utf8))
        record.id = task.id.flatMap { RecordID($0.uuidString) }
        record.notBefore = task.notBefore
        record.expires = task.expires
        record.queue = queue
        return try send(record, showing: [task])
    }
}

/// A sent task's record: `[args, kwargs, options]`. A durable task's is an object.
struct SentCeleryTask {
    struct Options: Codable {
        var timeLimit: Double?
        var softTimeLimit: Double?
        var priority: CeleryTask.Priority?
        var headers: [String: String]?
    }

    /// The text of a JSON array.
    var arguments: String
    /// The text of a JSON object.
    var keywords: String
    var options: Options

    init(_ task: CeleryTask) throws {
        func text(_ value: some Encodable) throws -> String {
            String(decoding: try StoredValues.encode(value), as: UTF8.self)
        }
        arguments = try text(task.arguments.map(AnyEncodable.init))
        keywords = try text(task.keywords.mapValues(AnyEncodable.init))
        options = Options(
            timeLimit: task.timeLimit.map { $0 / .seconds(1) },
            softTimeLimit: task.softTimeLimit.map { $0 / .seconds(1) },
            priority: task.priority, headers: task.headers.isEmpty ? nil : task.headers)
    }

    /// - Returns: nil if the record is not that of a sent task.
    init?(payload: Data) {
        guard let parts = JSONText.elements(of: payload), parts.count == 3,
            let options = try? JSONDecoder().decode(Options.self, from: Data(parts[2].utf8))
        else { return nil }
        (arguments, keywords) = (parts[0], parts[1])
        self.options = options
    }

    var payload: String {
        get throws {
            let options = String(decoding: try StoredValues.encode(options), as: UTF8.self)
            return "[\(arguments),\(keywords),\(options)]"
        }
    }
}

private struct AnyEncodable: Encodable {
    let value: any Encodable & Sendable

    func encode(to encoder: any Encoder) throws {
        // What a value does with its container, such as Date, is the encoder's to decide.
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

extension CeleryMessage {
    /// The message of a record that leaves.
    ///
    /// - Throws: where none can be made of it.
    init(_ task: OutgoingTask) throws(TaskBrokerError) {
        if let sent = SentCeleryTask(payload: task.payload) {
            self.init(
                task: task.name, id: task.id, arguments: sent.arguments, keywordArguments: sent.keywords)
            timeLimit = TimeLimit(hard: sent.options.timeLimit, soft: sent.options.softTimeLimit)
            priority = sent.options.priority.map(MessagePriority.init)
            headers = (sent.options.headers ?? [:]).sorted { $0.key < $1.key }
                .map { HeaderValue.Member($0.key, .text($0.value)) }
        } else {
            guard let kind = JSONText.kind(of: task.payload), kind == "an object" else {
                let kind = JSONText.kind(of: task.payload) ?? "no JSON"
                throw TaskBrokerError(
                    .message,
                    """
                    the durable task \(task.name) encodes as \(kind), but a task for a queue must encode as an \
                    object: its members are the named arguments
                    """)
            }
            self.init(
                task: task.name, id: task.id, keywordArguments: String(decoding: task.payload, as: UTF8.self))
            switch task.priority {
            case .high: priority = .high
            case .low: priority = .low
            // The plain list on Redis, and what queues without priorities have.
            case .normal: break
            }
        }
        eta = task.notBefore
        expires = task.expires
        if !task.request.isEmpty, headers["request_id"] == nil {
            headers.append(.init("request_id", .text(task.request)))
        }
    }
}

extension MessagePriority {
    init(_ priority: CeleryTask.Priority) {
        self =
            switch priority {
            case .high: .high
            case .normal: .normal
            case .low: .low
            }
    }
}

extension TaskBrokerError {
    init(_ error: BrokerError) {
        let remedy: Remedy =
            switch error.remedy {
            case .retry: .retry
            case .settings: .settings
            case .message: .message
            }
        self.init(remedy, error.description)
    }

    init(_ violation: ContractViolation) { self.init(.message, violation.description) }
}
