internal import CPostludeRabbitMQ
internal import PostludeSystem

extension RabbitMQConnection {
    /// What the broker tells of its own accord.
    enum Event {
        case acknowledged(UInt64, isMultiple: Bool)
        case refused(UInt64, isMultiple: Bool)
        /// No queue took the message.
        case returned(code: UInt16, text: String)
        case delivered(RabbitMQDelivery)
        /// The queue that is consumed was deleted.
        case cancelled
        /// Nothing that anybody waits for.
        case other
    }

    /// The next event.
    ///
    /// - Returns: nil when none has come in time.
    /// - Throws: when the connection or its channel has ended.
    func event(until deadline: MonotonicTime) throws(BrokerError) -> Event? {
        guard let frame = try frame(until: deadline) else { return nil }
        defer { release() }
        guard Int32(frame.frame_type) == AMQP_FRAME_METHOD else {
            throw closed("the broker sent content without a method")
        }
        let method = frame.payload.method
        guard let decoded = method.decoded else { return .other }
        switch method.id {
        case postlude_amqp_basic_ack:
            let ack = decoded.load(as: amqp_basic_ack_t.self)
            return .acknowledged(ack.delivery_tag, isMultiple: ack.multiple != 0)
        case postlude_amqp_basic_nack:
            let nack = decoded.load(as: amqp_basic_nack_t.self)
            return .refused(nack.delivery_tag, isMultiple: nack.multiple != 0)
        case postlude_amqp_basic_return:
            let returned = decoded.load(as: amqp_basic_return_t.self)
            let event = Event.returned(code: returned.reply_code, text: String(amqp: returned.reply_text))
            _ = try content()
            return event
        case postlude_amqp_basic_deliver:
            let deliver = decoded.load(as: amqp_basic_deliver_t.self)
            var delivery = try content()
            delivery.tag = deliver.delivery_tag
            delivery.isRedelivered = deliver.redelivered != 0
            return .delivered(delivery)
        case postlude_amqp_basic_cancel: return .cancelled
        case postlude_amqp_connection_blocked:
            blocked = String(amqp: decoded.load(as: amqp_connection_blocked_t.self).reason)
            return .other
        case postlude_amqp_connection_unblocked:
            blocked = nil
            return .other
        case postlude_amqp_connection_close, postlude_amqp_channel_close:
            guard let (code, text) = Self.closing(method) else { return .other }
            let what = method.id == postlude_amqp_channel_close ? "channel" : "connection"
            throw closedByBroker(what, code, text)
        default: return .other
        }
    }

    /// A message's header and body, which follow the method that announces it.
    private func content() throws(BrokerError) -> RabbitMQDelivery {
        let deadline = MonotonicTime.now + address.answerTimeout
        let header = try contentFrame(AMQP_FRAME_HEADER, until: deadline)
        var delivery = RabbitMQDelivery()
        if let properties = header.payload.properties.decoded {
            delivery.read(properties.load(as: amqp_basic_properties_t.self))
        }
        let size = header.payload.properties.body_size
        // A larger one is read, and forgotten piece by piece.
        delivery.bodySize = size
        let isKept = size <= UInt64(ContractBounds.body)
        var rest = size
        while rest > 0 {
            release()
            let fragment = try contentFrame(AMQP_FRAME_BODY, until: .now + address.answerTimeout)
                .payload.body_fragment
            guard fragment.len > 0, UInt64(fragment.len) <= rest, fragment.bytes != nil else {
                throw closed("the broker sent a body that is not of the size that it announced")
            }
            rest -= UInt64(fragment.len)
            if isKept { delivery.body += UnsafeRawBufferPointer(start: fragment.bytes, count: fragment.len) }
        }
        return delivery
    }

    private func contentFrame(_ type: Int32, until deadline: MonotonicTime) throws(BrokerError)
        -> amqp_frame_t
    {
        while true {
            guard let frame = try frame(until: deadline) else {
                throw closed("the broker stopped in the middle of a message", code: .timeout)
            }
            if Int32(frame.frame_type) == type, frame.channel == channel { return frame }
            guard Int32(frame.frame_type) == AMQP_FRAME_METHOD, frame.channel == 0 else {
                throw closed("the broker sent something else in the middle of a message")
            }
            guard let (code, text) = Self.closing(frame.payload.method) else { continue }
            throw closedByBroker("connection", code, text)
        }
    }
}

/// A message from RabbitMQ, copied out of librabbitmq's memory.
struct RabbitMQDelivery {
    var tag: UInt64 = 0
    var isRedelivered = false
    var contentType: String?
    var contentEncoding: String?
    /// Nil when they are deeper or larger than we read.
    var headers: [HeaderValue.Member]? = []
    var replyTo: String?
    var priority: UInt8?
    var bodySize: UInt64 = 0
    /// Empty when it is larger than we take.
    var body: [UInt8] = []

    mutating func read(_ properties: amqp_basic_properties_t) {
        func has(_ flag: Int32) -> Bool { properties._flags & amqp_flags_t(flag) != 0 }
        if has(AMQP_BASIC_CONTENT_TYPE_FLAG) { contentType = String(amqp: properties.content_type) }
        if has(AMQP_BASIC_CONTENT_ENCODING_FLAG) {
            contentEncoding = String(amqp: properties.content_encoding)
        }
        if has(AMQP_BASIC_REPLY_TO_FLAG) { replyTo = String(amqp: properties.reply_to) }
        if has(AMQP_BASIC_PRIORITY_FLAG) { priority = properties.priority }
        if has(AMQP_BASIC_HEADERS_FLAG) {
            // A frame may hold more than we send ourselves: others add to the headers.
            var budget = 4 * ContractBounds.headers
            headers = [HeaderValue.Member](properties.headers, budget: &budget)
        }
    }

    func task() throws(IncomingTask.Refusal) -> IncomingTask {
        guard let headers else {
            throw IncomingTask.Refusal(
                "its headers are larger than is read, or nested more than \(HeaderValue.maximumDepth) levels deep"
            )
        }
        guard bodySize == UInt64(body.count) else {
            throw IncomingTask.Refusal(
                "its body is \(bodySize) bytes; at most \(ContractBounds.body) are read", of: headers)
        }
        return try IncomingTask(
            contentType: contentType, contentEncoding: contentEncoding, headers: headers, body: body,
            replyTo: replyTo, priority: priority)
    }
}
