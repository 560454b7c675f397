/// Redis as kombu uses it, by hiredis.
package struct RedisBroker: CeleryBroker {
    package let address: BrokerAddress

    init(_ address: BrokerAddress) { self.address = address }

    package func publisher() throws(BrokerError) -> any CeleryPublisher {
        try RedisPublisher(address)
    }

    package func consumer(of queue: String, prefetch: Int) throws(BrokerError) -> any CeleryConsumer {
        try RedisConsumer(address, queue: queue, prefetch: prefetch)
    }
}
