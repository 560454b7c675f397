internal import CPostludeRabbitMQ

extension RabbitMQConnection {
    func selectConfirms() throws(BrokerError) {
        amqp_confirm_select(state, channel)
        try check(amqp_get_rpc_reply(state), "asking for confirmations")
    }

    /// Whether there is such a queue.
    func hasQueue(_ name: String) throws(BrokerError) -> Bool {
        try refusal(
            ofAsking: "looking for the queue \(ContractViolation.quoted(name))", expecting: [404]
        ) { memory in
            amqp_queue_declare(state, channel, memory.bytes(name), 1, 0, 0, 0, memory.table([]))
        } == nil
    }

    /// Asks for something that the broker may refuse by closing the channel; another one is open then.
    ///
    /// - Parameters:
    ///   - codes: codes that are not an error.
    ///   - call: makes the call; what librabbitmq reads lies in the memory.
    /// - Returns: the refusal; nil if the broker has done it.
    func refusal(
        ofAsking what: String, expecting codes: Set<UInt16>, _ call: (AMQPMemory) -> Void
    ) throws(BrokerError) -> String? {
        let memory = AMQPMemory()
        call(memory)
        let reply = amqp_get_rpc_reply(state)
        withExtendedLifetime(memory) {}
        do throws(BrokerError) {
            try check(reply, what)
            return nil
        } catch {
            guard reply.reply.id == postlude_amqp_channel_close, let closing = Self.closing(reply),
                codes.contains(closing.code)
            else { throw error }
            isClosed = false
            var none = amqp_channel_close_ok_t()
            amqp_send_method(state, channel, postlude_amqp_channel_close_ok, &none)
            channel += 1
            try openChannel()
            return "\(what): \(closing.text) (\(closing.code))"
        }
    }

    /// Makes a queue as Celery's workers make it: durable, without arguments. Called only if there is none, because
    /// one that is there with others would be an error.
    func makeQueue(_ name: String) throws(BrokerError) {
        let memory = AMQPMemory()
        amqp_queue_declare(state, channel, memory.bytes(name), 0, 1, 0, 0, memory.table([]))
        try check(amqp_get_rpc_reply(state), "making the queue \(ContractViolation.quoted(name))")
        withExtendedLifetime(memory) {}
    }

    func consume(_ queue: String, prefetch: UInt16) throws(BrokerError) {
        amqp_basic_qos(state, channel, 0, prefetch, 0)
        try check(amqp_get_rpc_reply(state), "setting the prefetch")
        let memory = AMQPMemory()
        amqp_basic_consume(
            state, channel, memory.bytes(queue), memory.bytes(Self.consumerTag), 0, 0, 0, memory.table([]))
        try check(amqp_get_rpc_reply(state), "consuming \(ContractViolation.quoted(queue))")
        withExtendedLifetime(memory) {}
    }

    /// The channel has one consumer only.
    private static let consumerTag = "postlude"

    func cancelConsumer() throws(BrokerError) {
        guard !isClosed else { throw closed("the connection is closed") }
        let memory = AMQPMemory()
        amqp_basic_cancel(state, channel, memory.bytes(Self.consumerTag))
        try check(amqp_get_rpc_reply(state), "ending the consumer")
        withExtendedLifetime(memory) {}
    }

    /// Sends a message; whether the broker has it is another matter.
    func publish(_ message: AMQPMessage) throws(BrokerError) {
        let memory = AMQPMemory()
        var properties = amqp_basic_properties_t()
        properties.content_type = memory.bytes(message.contentType)
        properties.content_encoding = memory.bytes(message.contentEncoding)
        properties.headers = memory.table(message.headers)
        properties.delivery_mode = message.deliveryMode
        properties.correlation_id = memory.bytes(message.correlationID)
        var flags =
            AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG | AMQP_BASIC_HEADERS_FLAG
            | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG
        if let priority = message.priority {
            properties.priority = priority
            flags |= AMQP_BASIC_PRIORITY_FLAG
        }
        if let replyTo = message.replyTo {
            properties.reply_to = memory.bytes(replyTo)
            flags |= AMQP_BASIC_REPLY_TO_FLAG
        }
        properties._flags = amqp_flags_t(flags)
        let status = amqp_basic_publish(
            state, channel, memory.bytes(message.exchange), memory.bytes(message.routingKey), 1, 0,
            &properties,
            memory.bytes(message.body))
        withExtendedLifetime(memory) {}
        if status == AMQP_STATUS_TABLE_TOO_BIG.rawValue {
            throw BrokerError(.contract, .message, "\(address): the message's headers do not fit in a frame")
        }
        try check(status, "publishing")
    }

    func acknowledge(_ tag: UInt64) throws(BrokerError) {
        try check(amqp_basic_ack(state, channel, tag, 0), "acknowledging")
    }

    func reject(_ tag: UInt64, isRequeued: Bool) throws(BrokerError) {
        try check(amqp_basic_reject(state, channel, tag, isRequeued ? 1 : 0), "rejecting")
    }
}
