import PostludeBrokerFixtures
import Testing

/// What needs real brokers, one after another: one RabbitMQ and one Redis serve them all.
@Suite(.rabbitMQ, .redis, .serialized) enum BrokerTests {}
