/// A message in its final form for RabbitMQ: the fields of AMQP.
package struct AMQPMessage: Sendable, Hashable {
    package var exchange: String
    package var routingKey: String
    package var contentType: String
    package var contentEncoding: String
    package var deliveryMode: UInt8
    package var priority: UInt8?
    package var correlationID: String
    package var replyTo: String?
    package var headers: [HeaderValue.Member]
    package var body: [UInt8]

    /// Throws if the message would be lost by a Celery worker, or end one. Every message is checked before it is published.
    package func check() throws(ContractViolation) {
        guard exchange.isEmpty else {
            throw ContractViolation("exchange", "must be the default one, which goes straight to the queue")
        }
        try MessageCheck.check(queue: routingKey, at: "routing_key")
        // With another content type, the message stays in the queue and ends each worker that is started.
        guard contentType == "application/json" else {
            let shown = ContractViolation.quoted(contentType)
            throw ContractViolation("content_type", "is \(shown), but must be application/json")
        }
        guard contentEncoding == "utf-8" else {
            let shown = ContractViolation.quoted(contentEncoding)
            throw ContractViolation("content_encoding", "is \(shown), but must be utf-8")
        }
        guard deliveryMode == 2 else {
            throw ContractViolation(
                "delivery_mode", "is \(deliveryMode), but only 2 survives the broker's restart")
        }
        if let priority, priority > 9 {
            throw ContractViolation("priority", "is \(priority), but must be 0 to 9")
        }
        if let replyTo { try MessageCheck.check(queue: replyTo, at: "reply_to") }
        try MessageCheck.check(headers: headers, correlationID: correlationID)
        try MessageCheck.check(body: body)
    }
}
