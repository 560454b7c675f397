internal import CPostludeRabbitMQ

/// Celery's delayed delivery.
///
/// From 5.5 on, Celery's producers do not send a task with a countdown to its queue where that is a quorum queue behind
/// a topic exchange: it goes down 28 exchanges and queues, one for each bit of its delay, and waits in those whose bit is
/// set. At their end is the exchange `celery_delayed_delivery`, to which workers bind their queues.
extension RabbitMQConnection {
    private static let exchange = "celery_delayed_delivery"
    private static let highestLevel = 27

    private static func name(_ level: Int) -> String { "celery_delayed_\(level)" }

    /// Binds a queue as Celery's workers do: where there is the exchange, or the queue is a quorum queue. The routing
    /// key is the queue's name.
    func bindDelayedDelivery(of queue: String) throws(BrokerError) -> DelayedDelivery {
        let missing = try refusal(
            ofAsking: "looking for the exchange \(Self.exchange)", expecting: [404, 403]
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

    /// - Returns: false also for a quorum queue that was made with other arguments: the broker does not tell them.
    private func isQuorum(_ queue: String) throws(BrokerError) -> Bool {
        try refusal(ofAsking: "asking for the queue's type", expecting: [406, 403, 405]) {
            amqp_queue_declare(
                state, channel, $0.bytes(queue), 0, 1, 0, 0,
                $0.table([.init("x-queue-type", .text("quorum"))]))
        } == nil
    }

    /// Makes exchanges, queues and bindings as Celery's workers make them by default: with anything else a worker in
    /// Python would not start.
    ///
    /// - Returns: what the broker has refused.
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
            let queue = try refusal(ofAsking: "making the queue \(Self.name(level))", expecting: [403, 406]) {
                amqp_queue_declare(
                    state, channel, $0.bytes(Self.name(level)), 0, 1, 0, 0, $0.table(arguments))
            }
            if let queue { return queue }
            // The bits of the higher levels, whatever they are, and this one's.
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
            // The last one that is made: where it is, the others are.
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
        try refusal(ofAsking: "making the exchange \(name)", expecting: [403, 406]) {
            amqp_exchange_declare(
                state, channel, $0.bytes(name), $0.bytes("topic"), 0, 1, 0, 0, $0.table([]))
        }
    }
}
