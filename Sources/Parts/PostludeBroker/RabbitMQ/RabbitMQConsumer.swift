internal import CPostludeRabbitMQ
internal import PostludeSystem

/// Consumes a queue of RabbitMQ. Unacknowledged messages return to the queue when the connection ends.
package final class RabbitMQConsumer: CeleryConsumer {
    /// The stack that the consumer's thread needs, in bytes. librabbitmq reads nested headers recursively, and a publisher can
    /// fill a frame with them: 21,000 levels needed between 2 and 4 MiB.
    static let neededStack = 6 << 20

    private let connection: RabbitMQConnection
    private let identity = UInt64.random(in: 1 ... .max)
    /// The tags of messages that were delivered to the caller and are not settled.
    private var unacknowledged: Set<UInt64> = []

    package let delayedDelivery: DelayedDelivery
    package var isClosed: Bool { connection.isClosed }

    init(_ address: BrokerAddress, queue: String, prefetch: Int) throws(BrokerError) {
        do throws(ContractViolation) {
            try MessageCheck.check(queue: queue, at: "the queue")
        } catch {
            throw BrokerError(.address, .settings, "\(error.place) \(error.reason)")
        }
        try Self.checkStack()
        connection = try RabbitMQConnection(address)
        if try !connection.hasQueue(queue) { try connection.makeQueue(queue) }
        delayedDelivery = try connection.bindDelayedDelivery(of: queue)
        try connection.consume(queue, prefetch: UInt16(clamping: max(1, prefetch)))
    }

    private static func checkStack() throws(BrokerError) {
        let size = postlude_stack_size()
        guard size > 0, size < neededStack else { return }
        throw BrokerError(
            .unsupported, .settings,
            "a consumer of RabbitMQ needs a thread with a stack of \(neededStack) bytes; this one has \(size)"
        )
    }

    package func receive(
        within time: Duration, orReadable descriptor: Int32?
    ) throws(BrokerError) -> Received? {
        let deadline = MonotonicTime.now + time
        while true {
            while let event = try connection.event(until: .now) {
                switch event {
                case .delivered(let message): return take(message)
                case .cancelled: throw connection.closed("the queue was deleted, or its broker left")
                default: continue
                }
            }
            guard .now < deadline, descriptor.map({ !isReadable($0) }) ?? true else { return nil }
            connection.wait(until: deadline, orReadable: descriptor)
        }
    }

    private func take(_ message: RabbitMQDelivery) -> Received {
        unacknowledged.insert(message.tag)
        let id = Delivery.ID(consumer: identity, number: message.tag)
        do throws(IncomingTask.Refusal) {
            let task = try message.task()
            return .task(
                Delivery(
                    id: id, task: task,
                    isRedelivered: message.isRedelivered,
                    earlierDeliveries: task.headers["x-delivery-count"]?.integer.flatMap(Int.init(exactly:))))
        } catch {
            return .refused(Received.Refused(error, as: id))
        }
    }

    /// Removes a delivery from the unsettled ones. An unknown delivery is an error, because the broker would close the channel.
    private func settle(_ delivery: Delivery.ID) throws(BrokerError) {
        guard delivery.consumer == identity, unacknowledged.remove(delivery.number) != nil else {
            throw BrokerError(
                .delivery, .message,
                "\(connection.address): the delivery belongs to another consumer, or was concluded before")
        }
        guard !isClosed else {
            throw connection.closed("the connection is closed; the message will be delivered again")
        }
    }

    @discardableResult
    package func acknowledge(_ delivery: Delivery.ID) throws(BrokerError) -> Bool {
        try settle(delivery)
        try connection.acknowledge(delivery.number)
        return true
    }

    @discardableResult
    package func reject(_ delivery: Delivery.ID, reason: String) throws(BrokerError) -> Bool {
        try settle(delivery)
        // AMQP cannot transmit the reason. The broker's policy decides where the message goes.
        try connection.reject(delivery.number, isRequeued: false)
        return true
    }

    @discardableResult
    package func requeue(_ delivery: Delivery.ID) throws(BrokerError) -> Bool {
        try settle(delivery)
        try connection.reject(delivery.number, isRequeued: true)
        return true
    }

    package func stopTaking() throws(BrokerError) { try connection.cancelConsumer() }

    package var deadLetters: String { "where the queue's dead-letter exchange routes them, if it has one" }

    package func close() { connection.close() }
}

/// A message from RabbitMQ, copied out of librabbitmq's memory.
struct RabbitMQDelivery {
    var tag: UInt64 = 0
    var isRedelivered = false
    var contentType: String?
    var contentEncoding: String?
    /// The headers; `nil` if they are nested too deeply or are too large.
    var headers: [HeaderValue.Member]? = []
    var replyTo: String?
    var priority: UInt8?
    var bodySize: UInt64 = 0
    /// The body; empty if it is larger than `ContractBounds.body`.
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
            // More than this program sends, because others may add headers.
            var budget = 4 * ContractBounds.headers
            headers = [HeaderValue.Member](properties.headers, budget: &budget)
        }
    }

    func task() throws(IncomingTask.Refusal) -> IncomingTask {
        guard let headers else {
            throw IncomingTask.Refusal(
                "its headers are over the size limit, or nested more than \(HeaderValue.maximumDepth) levels deep"
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
