extension BrokerAddress {
    /// The broker at this address.
    package var broker: any CeleryBroker {
        switch kind {
        case .rabbitMQ: RabbitMQBroker(address: self)
        case .redis: RedisBroker(address: self)
        }
    }
}

/// RabbitMQ, through librabbitmq.
private struct RabbitMQBroker: CeleryBroker {
    let address: BrokerAddress

    func publisher() throws(BrokerError) -> any CeleryPublisher {
        try RabbitMQPublisher(address)
    }

    func consumer(of queue: String, prefetch: Int) throws(BrokerError) -> any CeleryConsumer {
        try RabbitMQConsumer(address, queue: queue, prefetch: prefetch)
    }
}

/// Redis with kombu's data structures, through hiredis.
private struct RedisBroker: CeleryBroker {
    let address: BrokerAddress

    func publisher() throws(BrokerError) -> any CeleryPublisher {
        try RedisPublisher(address)
    }

    func consumer(of queue: String, prefetch: Int) throws(BrokerError) -> any CeleryConsumer {
        try RedisConsumer(address, queue: queue, prefetch: prefetch)
    }
}
