import PostludeBrokerFixtures
import Testing

/// RabbitMQ takes long to start: one for all.
@Suite("Tasks that leave", .serialized, .rabbitMQ, .redis) struct CeleryTests {}
