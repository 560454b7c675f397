import PostludeBrokerFixtures
import Testing

/// RabbitMQ takes long to start, so that all suites share one.
@Suite("Tasks for a broker", .serialized, .rabbitMQ, .redis) struct CeleryTests {}
