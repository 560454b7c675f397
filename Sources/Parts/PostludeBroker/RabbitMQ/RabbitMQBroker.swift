/// RabbitMQ, by librabbitmq.
package struct RabbitMQBroker: CeleryBroker {
    package let address: BrokerAddress

    init(_ address: BrokerAddress) { self.address = address }

    package func publisher() throws(BrokerError) -> any CeleryPublisher {
        try RabbitMQPublisher(address)
    }

    package func consumer(of queue: String, prefetch: Int) throws(BrokerError) -> any CeleryConsumer {
        try RabbitMQConsumer(address, queue: queue, prefetch: prefetch)
    }
}
