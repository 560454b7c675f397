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

/// The forms in which it is sent.
extension CeleryMessage {
    /// Monitoring shows the arguments; more than this of them only fills the broker.
    private static let shownArguments = 1_024

    /// As it goes to RabbitMQ: to a queue, through the default exchange.
    package func amqpMessage(to queue: String) -> AMQPMessage {
        AMQPMessage(
            exchange: "", routingKey: queue, contentType: "application/json", contentEncoding: "utf-8",
            deliveryMode: 2, priority: priority?.onRabbitMQ, correlationID: id, replyTo: replyTo,
            headers: allHeaders, body: body)
    }

    /// As it goes to Redis.
    ///
    /// - Parameters:
    ///   - keyPrefix: what stands before all keys (`global_keyprefix`).
    ///   - tag: the message's own name for kombu; none may be there twice.
    package func redisMessage(
        to queue: String, keyPrefix: String = "", tag: String = UUID().uuidString.lowercased()
    ) -> RedisMessage {
        let number = priority?.onRedis ?? 0
        var envelope: [UInt8] = []
        let properties: [HeaderValue.Member] = [
            .init("correlation_id", .text(id)), .init("reply_to", .text(replyTo ?? "")),
            .init("delivery_mode", .integer(2)), .init("delivery_tag", .text(tag)),
            .init("body_encoding", .text("base64")), .init("priority", .integer(Int64(number))),
            .init(
                "delivery_info",
                .table([.init("exchange", .text("")), .init("routing_key", .text(queue))])),
        ]
        JSONWriter.write(
            [
                .init("body", .text(Data(body).base64EncodedString())),
                .init("content-encoding", .text("utf-8")), .init("content-type", .text("application/json")),
                .init("headers", .table(allHeaders)), .init("properties", .table(properties)),
            ], to: &envelope)
        return RedisMessage(
            list: RedisMessage.list(of: queue, priority: number, keyPrefix: keyPrefix), envelope: envelope)
    }

    private var body: [UInt8] {
        let embed = #"{"callbacks":null,"errbacks":null,"chain":null,"chord":null}"#
        return Array("[\(arguments),\(keywordArguments),\(embed)]".utf8)
    }

    private var allHeaders: [HeaderValue.Member] {
        [
            .init("lang", .text("py")), .init("task", .text(task)), .init("id", .text(id)),
            .init("root_id", .text(rootID ?? id)), .init("parent_id", parentID.map { .text($0) } ?? .null),
            .init("group", .null), .init("eta", time(eta)), .init("expires", time(expires)),
            .init("retries", .integer(Int64(retries))),
            // Hard, then soft: the protocol's page says the reverse of what workers do.
            .init("timelimit", .list([seconds(timeLimit.hard), seconds(timeLimit.soft)])),
            .init("argsrepr", .text(shown(arguments))), .init("kwargsrepr", .text(shown(keywordArguments))),
            .init("origin", .text(origin)),
        ] + headers
    }

    private func seconds(_ value: Double?) -> HeaderValue { value.map { .number($0) } ?? .null }

    /// What cannot be written is sent as it is, and refused by the check.
    private func time(_ date: Date?) -> HeaderValue {
        date.map { .text(CeleryTime.text($0) ?? "\($0.timeIntervalSince1970) s since 1970") } ?? .null
    }

    private func shown(_ text: String) -> String {
        guard text.utf8.count > Self.shownArguments else { return text }
        var bytes = Array(text.utf8.prefix(Self.shownArguments))
        // Not in the middle of a character.
        while let last = bytes.last, last & 0xc0 == 0x80 { bytes.removeLast() }
        if let last = bytes.last, last >= 0x80 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self) + "…"
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
