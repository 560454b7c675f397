public import FoundationEssentials
public import Postlude
internal import PostludeBroker
public import PostludeDurable
internal import PostludeTaskStore

/// A task that a Celery worker runs, in any language, identified by its name.
///
/// ```swift
/// func upload(image: JSONBody<Image>, tasks: BackgroundTasks) throws -> Accepted<[String: String]> {
///     try tasks.send(CeleryTask("app.resize", image.value.path, keywords: ["width": 200]), to: "images")
///     return Accepted(["status": "accepted"])
/// }
/// ```
public struct CeleryTask: Sendable {
    /// The priority of a task in its queue: on RabbitMQ in queues with `x-max-priority`, on Redis in kombu's lists.
    public enum Priority: String, Sendable, Hashable, CaseIterable, Codable {
        /// 9 on RabbitMQ, the first list on Redis.
        case high
        /// 5 on RabbitMQ, the second list on Redis.
        case normal
        /// 0 on RabbitMQ, the third list on Redis.
        case low
    }

    /// The name under which the task is registered with the worker.
    public var name: String
    /// The positional arguments.
    public var arguments: [any Encodable & Sendable]
    /// The named arguments.
    public var keywords: [String: any Encodable & Sendable]
    /// The task's id; `nil` for a new one.
    public var id: UUID?
    /// The time before which a worker does not begin the task (`eta`).
    public var notBefore: Date?
    /// The time after which a worker does not begin the task.
    public var expires: Date?
    /// The time after which the worker ends the task's process.
    public var timeLimit: Duration?
    /// The time after which Celery raises an exception in the task.
    public var softTimeLimit: Duration?
    /// The priority; `nil` for a message without one, which is among the last on RabbitMQ, and in the first list on Redis.
    public var priority: Priority?
    /// Additional attributes of the task's `self.request`. The id of the HTTP request is added as `request_id`.
    public var headers: [String: String] = [:]

    /// - Parameters:
    ///   - name: the task's name, such as `app.resize`.
    ///   - arguments: the positional arguments, which are encoded as JSON.
    ///   - keywords: the named arguments, which are encoded as JSON.
    ///   - id: the task's id; `nil` for a new one.
    ///   - delay: the time from now before which a worker does not begin the task (`countdown`).
    ///   - expiry: the time from now after which a worker does not begin the task.
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
    /// The task is written to the task store before the first byte of the response, which contains its id in `Task-Id`. It is
    /// sent after the response, in the order of its queue. If the broker is unreachable, it is sent later. If the handler
    /// throws, it is not sent.
    ///
    /// - Returns: the task's id, which is also its id in Celery.
    /// - Throws: an error if a worker would not accept the task; `DurableTaskError` if the application's `taskEngine` has no
    ///   broker; `LateTaskError` if the response has begun; the error of an argument that cannot be encoded.
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

/// The payload of a sent task's record, `[args, kwargs, options]`. The payload of a durable task is an object.
struct SentCeleryTask {
    struct Options: Codable {
        var timeLimit: Double?
        var softTimeLimit: Double?
        var priority: CeleryTask.Priority?
        var headers: [String: String]?
    }

    /// The positional arguments, as the text of a JSON array.
    var arguments: String
    /// The named arguments, as the text of a JSON object.
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

    /// Returns `nil` if the payload is not that of a sent task.
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
        // The container encodes the value: the encoder must see it to apply its own strategies, such as that for `Date`.
        // With `value.encode(to:)` it would not.
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }
}

extension CeleryMessage {
    /// Makes the message of a record that is sent to a broker.
    ///
    /// - Throws: an error if the payload is neither that of a sent task nor an object.
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
            // No priority: the first list on Redis, as for all tasks of queues without priorities.
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
