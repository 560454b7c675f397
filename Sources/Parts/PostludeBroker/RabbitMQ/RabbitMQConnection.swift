internal import CPostludeRabbitMQ
internal import Glibc
internal import PostludeSystem

/// A connection to RabbitMQ with one channel. It is not `Sendable`, because librabbitmq allows only one thread at a time.
final class RabbitMQConnection {
    let address: BrokerAddress
    /// The number of the open channel. If the broker closes the channel, the next number is used.
    private var channel: amqp_channel_t = 1
    private let state: amqp_connection_state_t
    private(set) var isClosed = false
    /// The reason why the broker currently accepts no messages (`connection.blocked`); `nil` if it accepts them.
    private(set) var blocked: String?

    /// The largest accepted frame, in bytes: RabbitMQ's own limit, so that all messages of other publishers can be read.
    private static let maximumFrame: Int32 = 131_072

    init(_ address: BrokerAddress) throws(BrokerError) {
        self.address = address
        guard let state = amqp_new_connection() else {
            throw BrokerError(.connect, .retry, "\(address): no memory for a connection")
        }
        self.state = state
        var handshake = timeval(address.connectTimeout)
        var answer = timeval(address.answerTimeout)
        amqp_set_handshake_timeout(state, &handshake)
        amqp_set_rpc_timeout(state, &answer)
        do throws(BrokerError) {
            try openSocket()
            try logIn()
            try openChannel()
        } catch {
            // The connection is not closed properly, because that might wait again.
            isClosed = true
            throw error
        }
    }

    deinit {
        close()
        amqp_destroy_connection(state)
    }

    // MARK: Opening

    private func openSocket() throws(BrokerError) {
        let socket: OpaquePointer?
        if let tls = address.tls {
            socket = amqp_ssl_socket_new(state)
            if let socket { try configure(socket, tls) }
        } else {
            socket = amqp_tcp_socket_new(state)
        }
        guard let socket else { throw BrokerError(.connect, .retry, "\(address): no memory for a socket") }
        var timeout = timeval(address.connectTimeout)
        let status = amqp_socket_open_noblock(socket, address.host, Int32(address.port), &timeout)
        guard status == AMQP_STATUS_OK.rawValue else {
            let certificate = [
                AMQP_STATUS_SSL_PEER_VERIFY_FAILED.rawValue, AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED.rawValue,
            ].contains(status)
            let advice =
                certificate
                ? """
                ; its certificate must be for \(address.host), from an authority in \(authorities): \
                name the file in cacertfile=
                """
                : ""
            throw BrokerError(
                .connect, certificate ? .settings : .retry,
                "\(address): cannot connect: \(Self.text(status))\(advice)")
        }
    }

    /// The file of trusted certificate authorities. librabbitmq 0.11 has no default.
    private var authorities: String {
        address.tls?.authorities ?? getenv("SSL_CERT_FILE").map { String(cString: $0) }
            ?? "/etc/ssl/certs/ca-certificates.crt"
    }

    private func configure(_ socket: OpaquePointer, _ tls: BrokerAddress.TLS) throws(BrokerError) {
        amqp_ssl_socket_set_verify_peer(socket, tls.isVerifying ? 1 : 0)
        amqp_ssl_socket_set_verify_hostname(socket, tls.isVerifying ? 1 : 0)
        _ = amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        if tls.isVerifying, amqp_ssl_socket_set_cacert(socket, authorities) != AMQP_STATUS_OK.rawValue {
            throw BrokerError(
                .connect, .settings,
                """
                \(address): no certificate authorities can be read from \(authorities): \
                name a PEM file in cacertfile= or SSL_CERT_FILE
                """
            )
        }
        if let certificate = tls.certificate {
            let key = tls.key ?? certificate
            guard amqp_ssl_socket_set_key(socket, certificate, key) == AMQP_STATUS_OK.rawValue else {
                throw BrokerError(
                    .connect, .settings,
                    "\(address): the certificate \(certificate) or its key \(key) cannot be used")
            }
        }
    }

    private func logIn() throws(BrokerError) {
        let memory = AMQPMemory()
        var properties = memory.table([
            .init("product", .text("Postlude")), .init("connection_name", .text("postlude \(getpid())")),
            // The broker then reports that a queue was deleted, and that it accepts no messages.
            .init(
                "capabilities",
                .table([
                    .init("consumer_cancel_notify", .bool(true)), .init("connection.blocked", .bool(true)),
                ])),
        ])
        let reply = postlude_amqp_login(
            state, address.virtualHost, Self.maximumFrame, address.heartbeat, &properties,
            address.user ?? "guest",
            address.password ?? "guest")
        withExtendedLifetime(memory) {}
        do throws(BrokerError) {
            try check(reply, "the login")
        } catch {
            // 403 is a wrong password, 530 an unknown virtual host. An old broker closes the socket without a code.
            guard error.remedy == .settings else { throw error }
            throw BrokerError(.authentication, .settings, error.description)
        }
    }

    private func openChannel() throws(BrokerError) {
        amqp_channel_open(state, channel)
        try check(amqp_get_rpc_reply(state), "opening a channel")
    }

    /// Closes the connection, and waits at most two seconds for the broker's answer.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        var timeout = timeval(min(address.answerTimeout, .seconds(2)))
        amqp_set_rpc_timeout(state, &timeout)
        _ = amqp_connection_close(state, AMQP_REPLY_SUCCESS)
    }

    /// Reads the next frame.
    ///
    /// Reading also sends heartbeats, and checks those of the broker.
    ///
    /// - Returns: `nil` if none has arrived in time.
    private func frame(until deadline: MonotonicTime) throws(BrokerError) -> amqp_frame_t? {
        guard !isClosed else { throw closed("the connection is closed") }
        var frame = amqp_frame_t()
        var rest = timeval(max(.zero, deadline - .now))
        let status = amqp_simple_wait_frame_noblock(state, &frame, &rest)
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        try check(status, "waiting for the broker")
        return frame
    }

    /// Frees librabbitmq's memory of the frames, from which everything must have been copied.
    private func release() { amqp_maybe_release_buffers(state) }

    /// Waits until the socket or `descriptor` is readable. Frames that librabbitmq has buffered do not make the socket
    /// readable, so the caller reads these first.
    func wait(until deadline: MonotonicTime, orReadable descriptor: Int32?) {
        // Short enough to send heartbeats in time.
        let longest: Duration = .seconds(max(1, Double(address.heartbeat) / 4))
        let rest = min(longest, max(.zero, deadline - .now))
        let milliseconds = Int32(clamping: rest.saturatedNanoseconds / 1_000_000 + 1)
        waitForInput([amqp_get_sockfd(state)] + (descriptor.map { [$0] } ?? []), milliseconds: milliseconds)
    }

    /// Marks the connection as closed, because the meaning of its next frame is unknown, and returns the error.
    func closed(_ reason: String, remedy: BrokerError.Remedy = .retry, code: BrokerError.Code = .closed)
        -> BrokerError
    {
        isClosed = true
        return BrokerError(code, remedy, "\(address): \(reason)")
    }
}

/// Requests to the broker.
extension RabbitMQConnection {
    func selectConfirms() throws(BrokerError) {
        amqp_confirm_select(state, channel)
        try check(amqp_get_rpc_reply(state), "asking for confirmations")
    }

    /// Whether a queue exists.
    func hasQueue(_ name: String) throws(BrokerError) -> Bool {
        try refusal(
            ofAsking: "looking up the queue \(ContractViolation.quoted(name))", expecting: [404]
        ) { memory in
            amqp_queue_declare(state, channel, memory.bytes(name), 1, 0, 0, 0, memory.table([]))
        } == nil
    }

    /// Makes a request that the broker may refuse by closing the channel, in which case another channel is opened.
    ///
    /// - Parameters:
    ///   - what: a description of the request, for errors.
    ///   - codes: the reply codes with which the broker may refuse; others are errors.
    ///   - call: makes the request, with memory for its arguments.
    /// - Returns: the refusal; `nil` if the broker has not refused.
    private func refusal(
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

    /// Declares a queue as Celery's workers do: durable, without arguments. Called only if the queue does not exist, because
    /// the declaration of an existing queue with other arguments fails.
    func makeQueue(_ name: String) throws(BrokerError) {
        let memory = AMQPMemory()
        amqp_queue_declare(state, channel, memory.bytes(name), 0, 1, 0, 0, memory.table([]))
        try check(amqp_get_rpc_reply(state), "declaring the queue \(ContractViolation.quoted(name))")
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

    /// The tag of the channel's only consumer.
    private static let consumerTag = "postlude"

    func cancelConsumer() throws(BrokerError) {
        guard !isClosed else { throw closed("the connection is closed") }
        let memory = AMQPMemory()
        amqp_basic_cancel(state, channel, memory.bytes(Self.consumerTag))
        try check(amqp_get_rpc_reply(state), "ending the consumer")
        withExtendedLifetime(memory) {}
    }

    /// Sends a message. The broker confirms it later, with an event.
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

/// Events from the broker.
extension RabbitMQConnection {
    /// A message or notification that the broker sends without a request.
    enum Event {
        case acknowledged(UInt64, isMultiple: Bool)
        case refused(UInt64, isMultiple: Bool)
        /// The message was routed to no queue.
        case returned(code: UInt16, text: String)
        case delivered(RabbitMQDelivery)
        /// The consumed queue was deleted.
        case cancelled
        /// An event without meaning for callers.
        case other
    }

    /// Returns the next event; `nil` if none has arrived in time.
    ///
    /// - Throws: an error if the connection or its channel has ended.
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

    /// Reads a message's header and body, which follow the method that announces it.
    private func content() throws(BrokerError) -> RabbitMQDelivery {
        let deadline = MonotonicTime.now + address.answerTimeout
        let header = try contentFrame(AMQP_FRAME_HEADER, until: deadline)
        var delivery = RabbitMQDelivery()
        if let properties = header.payload.properties.decoded {
            delivery.read(properties.load(as: amqp_basic_properties_t.self))
        }
        let size = header.payload.properties.body_size
        // A body over the limit is read, and discarded frame by frame.
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

/// Celery's delayed delivery.
///
/// Since 5.5, if a task has a countdown and its queue is a quorum queue bound to a topic exchange, Celery's producers do not
/// send the task to that queue. It passes through 28 exchanges and queues, one for each bit of its delay, and waits in
/// the queues whose bit is set. The last exchange is `celery_delayed_delivery`, to which workers bind their queues.
extension RabbitMQConnection {
    private static let exchange = "celery_delayed_delivery"
    private static let highestLevel = 27

    private static func name(_ level: Int) -> String { "celery_delayed_\(level)" }

    /// Binds a queue to the exchange as Celery's workers do, if the exchange exists or the queue is a quorum queue. The queue's
    /// name must be its routing key.
    func bindDelayedDelivery(of queue: String) throws(BrokerError) -> DelayedDelivery {
        let missing = try refusal(
            ofAsking: "looking up the exchange \(Self.exchange)", expecting: [404, 403]
        ) {
            amqp_exchange_declare(
                state, channel, $0.bytes(Self.exchange), $0.bytes("topic"), 1, 0, 0, 0, $0.table([]))
        }
        if missing != nil {
            guard try isQuorum(queue) else { return .unused }
            if let refusal = try makeDelayedDelivery() { return .refused(refusal) }
        }
        let refusal = try refusal(ofAsking: "binding the queue to \(Self.exchange)", expecting: [403]) {
            amqp_queue_bind(
                state, channel, $0.bytes(queue), $0.bytes(Self.exchange), $0.bytes("#.\(queue)"), $0.table([])
            )
        }
        return refusal.map { .refused($0) } ?? .bound
    }

    /// Whether a queue is a quorum queue.
    ///
    /// - Returns: `false` also for a quorum queue that was declared with other arguments, which the broker does not reveal.
    private func isQuorum(_ queue: String) throws(BrokerError) -> Bool {
        try refusal(ofAsking: "asking for the queue's type", expecting: [406, 403, 405]) {
            amqp_queue_declare(
                state, channel, $0.bytes(queue), 0, 1, 0, 0,
                $0.table([.init("x-queue-type", .text("quorum"))]))
        } == nil
    }

    /// Declares the exchanges, queues and bindings of the delayed delivery as Celery's workers do by default. With other
    /// arguments, workers in Python would not start.
    ///
    /// - Returns: the broker's refusal, if it has refused one of them.
    private func makeDelayedDelivery() throws(BrokerError) -> String? {
        let levels = (0...Self.highestLevel).reversed()
        for level in levels {
            let below = level > 0 ? Self.name(level - 1) : Self.exchange
            let arguments: [HeaderValue.Member] = [
                .init("x-queue-type", .text("quorum")), .init("x-overflow", .text("reject-publish")),
                .init("x-message-ttl", .integer(1_000 << Int64(level))),
                .init("x-dead-letter-exchange", .text(below)),
                .init("x-dead-letter-strategy", .text("at-least-once")),
            ]
            if let refusal = try makeExchange(Self.name(level)) { return refusal }
            let queue = try refusal(
                ofAsking: "declaring the queue \(Self.name(level))", expecting: [403, 406]
            ) {
                amqp_queue_declare(
                    state, channel, $0.bytes(Self.name(level)), 0, 1, 0, 0, $0.table(arguments))
            }
            if let queue { return queue }
            // Any bits of the higher levels, then 1 for this level's bit.
            let higher = String(repeating: "*.", count: Self.highestLevel - level)
            let bound = try refusal(ofAsking: "binding the queue \(Self.name(level))", expecting: [403]) {
                amqp_queue_bind(
                    state, channel, $0.bytes(Self.name(level)), $0.bytes(Self.name(level)),
                    $0.bytes("\(higher)1.#"), $0.table([]))
            }
            if let bound { return bound }
        }
        for level in levels {
            let below = level > 0 ? Self.name(level - 1) : Self.exchange
            // Declared last: if this exchange exists, everything else does.
            if level == 0, let refusal = try makeExchange(below) { return refusal }
            let higher = String(repeating: "*.", count: Self.highestLevel - level)
            let bound = try refusal(ofAsking: "binding the exchange \(below)", expecting: [403]) {
                amqp_exchange_bind(
                    state, channel, $0.bytes(below), $0.bytes(Self.name(level)), $0.bytes("\(higher)0.#"),
                    $0.table([]))
            }
            if let bound { return bound }
        }
        return nil
    }

    private func makeExchange(_ name: String) throws(BrokerError) -> String? {
        try refusal(ofAsking: "declaring the exchange \(name)", expecting: [403, 406]) {
            amqp_exchange_declare(
                state, channel, $0.bytes(name), $0.bytes("topic"), 0, 1, 0, 0, $0.table([]))
        }
    }
}

/// Conversion of the broker's and librabbitmq's errors.
extension RabbitMQConnection {
    private func check(_ status: Int32, _ what: String) throws(BrokerError) {
        guard status != AMQP_STATUS_OK.rawValue else { return }
        if status == AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue {
            throw closed("the broker was silent for \(2 * address.heartbeat) s", code: .timeout)
        }
        throw closed("\(what): \(Self.text(status))")
    }

    private func check(_ reply: amqp_rpc_reply_t, _ what: String) throws(BrokerError) {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            guard let (code, text) = Self.closing(reply) else { throw closed("\(what): an unknown answer") }
            throw closed("\(what): \(text) (\(code))", remedy: Self.remedy(code), code: .answer)
        case AMQP_RESPONSE_LIBRARY_EXCEPTION:
            let isLate = reply.library_error == AMQP_STATUS_TIMEOUT.rawValue
            throw closed("\(what): \(Self.text(reply.library_error))", code: isLate ? .timeout : .closed)
        default: throw closed("\(what): the broker has closed the connection")
        }
    }

    /// Returns the code and the text with which the broker has closed the channel or the connection.
    private static func closing(_ reply: amqp_rpc_reply_t) -> (code: UInt16, text: String)? {
        guard reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION else { return nil }
        return closing(reply.reply)
    }

    private static func closing(_ method: amqp_method_t) -> (code: UInt16, text: String)? {
        guard let decoded = method.decoded else { return nil }
        switch method.id {
        case postlude_amqp_connection_close:
            let close = decoded.load(as: amqp_connection_close_t.self)
            return (close.reply_code, String(amqp: close.reply_text))
        case postlude_amqp_channel_close:
            let close = decoded.load(as: amqp_channel_close_t.self)
            return (close.reply_code, String(amqp: close.reply_text))
        default: return nil
        }
    }

    private static func remedy(_ code: UInt16) -> BrokerError.Remedy {
        switch code {
        case 402, 403, 406, 530: .settings
        case 311: .message
        default: .retry
        }
    }

    private static func text(_ status: Int32) -> String {
        amqp_error_string2(status).map { String(cString: $0) } ?? "error \(status)"
    }

    /// Returns the error for a channel or connection that the broker has closed. If its reason is the message or the settings,
    /// the close is an answer to what was sent. Otherwise it is unknown whether the broker has accepted that.
    private func closedByBroker(_ what: String, _ code: UInt16, _ text: String) -> BrokerError {
        let remedy = Self.remedy(code)
        return closed(
            "the broker has closed the \(what): \(text) (\(code))", remedy: remedy,
            code: remedy == .retry ? .closed : .answer)
    }
}
