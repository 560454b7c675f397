package import FoundationEssentials

/// A task for a Celery worker, in any language, in version 2 of the message protocol.
///
/// ``amqpMessage(to:)`` and ``redisMessage(to:keyPrefix:tag:)`` make the final forms, which are checked and sent.
package struct CeleryMessage: Sendable, Hashable {
    /// The name under which the task is registered with the worker, such as `app.resize`.
    package var task: String
    /// The task's id, which is the same in the task store, in the log and in Celery's results.
    package var id: String
    /// The positional arguments, as the text of a JSON array.
    package var arguments: String
    /// The named arguments, as the text of a JSON object.
    package var keywordArguments: String
    /// The time before which the task does not begin.
    package var eta: Date?
    /// The time after which a worker revokes the task instead of running it.
    package var expires: Date?
    /// The number of earlier attempts.
    package var retries = 0
    package var timeLimit = TimeLimit()
    /// The id of the first task of a workflow; `nil` if it is this one.
    package var rootID: String?
    package var parentID: String?
    package var priority: MessagePriority?
    /// The queue for the result (`rpc://`).
    package var replyTo: String?
    /// The sender's name in monitoring.
    package var origin = "postlude"
    /// Additional attributes of the task's `self.request`, such as `request_id` and `traceparent`.
    package var headers: [HeaderValue.Member] = []

    package struct TimeLimit: Sendable, Hashable {
        /// The time in seconds after which the worker kills the task's process.
        package var hard: Double?
        /// The time in seconds after which an exception is raised in the task.
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

/// The final forms of the message.
extension CeleryMessage {
    /// The largest size, in bytes, of the arguments' text for monitoring. More would only fill the broker.
    private static let shownArguments = 1_024

    /// Returns the message for RabbitMQ, to a queue through the default exchange.
    package func amqpMessage(to queue: String) -> AMQPMessage {
        AMQPMessage(
            exchange: "", routingKey: queue, contentType: "application/json", contentEncoding: "utf-8",
            deliveryMode: 2, priority: priority?.onRabbitMQ, correlationID: id, replyTo: replyTo,
            headers: allHeaders, body: body)
    }

    /// Returns the message for Redis.
    ///
    /// - Parameters:
    ///   - keyPrefix: the prefix of all keys (`global_keyprefix`).
    ///   - tag: the delivery tag with which kombu identifies the message. It must be unique.
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
        let members: [HeaderValue.Member] = [
            .init("body", .text(Data(body).base64EncodedString())),
            .init("content-encoding", .text("utf-8")), .init("content-type", .text("application/json")),
            .init("headers", .table(allHeaders)), .init("properties", .table(properties)),
        ]
        members.writeJSON(to: &envelope)
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
            // The hard limit, then the soft one, as workers read them. Celery's documentation has the reverse order.
            .init("timelimit", .list([seconds(timeLimit.hard), seconds(timeLimit.soft)])),
            .init("argsrepr", .text(shown(arguments))), .init("kwargsrepr", .text(shown(keywordArguments))),
            .init("origin", .text(origin)),
        ] + headers
    }

    private func seconds(_ value: Double?) -> HeaderValue { value.map { .number($0) } ?? .null }

    /// Returns a time as a header. A time outside Celery's range becomes a text that the check refuses.
    private func time(_ date: Date?) -> HeaderValue {
        date.map { .text(CeleryTime.text($0) ?? "\($0.timeIntervalSince1970) s since 1970") } ?? .null
    }

    private func shown(_ text: String) -> String {
        guard text.utf8.count > Self.shownArguments else { return text }
        var bytes = Array(text.utf8.prefix(Self.shownArguments))
        // The text is not cut inside a character.
        while let last = bytes.last, last & 0xc0 == 0x80 { bytes.removeLast() }
        if let last = bytes.last, last >= 0x80 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self) + "…"
    }
}

/// The priority of a message in its queue.
///
/// RabbitMQ's queues (with `x-max-priority`) deliver the highest number first, kombu's lists on Redis the lowest. The named
/// priorities have the same meaning on both.
package enum MessagePriority: Sendable, Hashable {
    case high
    case normal
    case low
    /// A number from 0 to 9, which is sent unchanged.
    case number(UInt8)

    var onRabbitMQ: UInt8 {
        switch self {
        case .high: 9
        case .normal: 5
        case .low: 0
        case .number(let number): number
        }
    }

    /// The number on Redis. A message without a priority is in the first list, like one with 0.
    var onRedis: UInt8 {
        switch self {
        case .high: 0
        case .normal: 3
        case .low: 6
        case .number(let number): number
        }
    }
}
