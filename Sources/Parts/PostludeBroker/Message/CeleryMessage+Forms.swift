internal import FoundationEssentials

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
