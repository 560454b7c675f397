import PostludeBrokerFixtures
import Testing

/// The suites that need real brokers, run one after another: one RabbitMQ and one Redis serve them all.
@Suite(.rabbitMQ, .redis, .serialized) enum BrokerTests {}
