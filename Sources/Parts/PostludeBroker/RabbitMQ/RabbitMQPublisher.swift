internal import PostludeSystem

/// Publishes to RabbitMQ. The broker confirms each message before the next one is sent, so that their order is kept.
package final class RabbitMQPublisher: CeleryPublisher {
    private let connection: RabbitMQConnection
    /// The number of messages published on the channel, which is the last one's delivery tag: the broker counts from 1.
    private var published: UInt64 = 0

    package var isClosed: Bool { connection.isClosed }

    init(_ address: BrokerAddress) throws(BrokerError) {
        connection = try RabbitMQConnection(address)
        try connection.selectConfirms()
    }

    package func publish(_ message: CeleryMessage, to queue: String) throws(BrokerError) {
        try publish(message.amqpMessage(to: queue))
    }

    /// Checks and sends a message in its final form.
    func publish(_ message: AMQPMessage) throws(BrokerError) {
        do throws(ContractViolation) {
            try message.check()
        } catch {
            throw BrokerError(error)
        }
        // A connection that has ended in the meantime is detected before the message is sent.
        try keepAlive()
        do throws(BrokerError) {
            try connection.publish(message)
            published += 1
            try waitForConfirmation(of: message)
        } catch {
            throw error.code == .closed || error.code == .timeout ? error.duringPublish : error
        }
    }

    private func waitForConfirmation(of message: AMQPMessage) throws(BrokerError) {
        let deadline = MonotonicTime.now + connection.address.answerTimeout
        var returned: (code: UInt16, text: String)?
        while let event = try connection.event(until: deadline) {
            switch event {
            case .returned(let code, let text): returned = (code, text)
            case .acknowledged(let tag, let isMultiple)
            where tag == published || isMultiple && tag > published:
                guard let returned else { return }
                // The broker also acknowledges a message that it has returned.
                throw BrokerError(
                    .unroutable, .retry,
                    """
                    \(connection.address): no queue accepts it: \
                    \(ContractViolation.quoted(message.routingKey)) is not there \
                    (\(returned.code) \(returned.text)); start a worker of that queue, or create the queue
                    """)
            case .refused(let tag, let isMultiple) where tag == published || isMultiple && tag > published:
                throw BrokerError(
                    .refused, .retry,
                    """
                    \(connection.address): the broker could not keep the message for \
                    \(ContractViolation.quoted(message.routingKey)) (basic.nack): \
                    the queue is full, or the broker has a problem
                    """)
            default: continue
            }
        }
        let reason = connection.blocked.map { " (it accepts no messages: \($0))" } ?? ""
        throw connection.closed(
            "no confirmation within \(connection.address.answerTimeout)\(reason)", code: .timeout)
    }

    package func keepAlive() throws(BrokerError) {
        while try connection.event(until: .now) != nil {}
    }

    package func close() { connection.close() }
}
