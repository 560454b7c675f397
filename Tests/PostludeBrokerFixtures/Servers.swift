package import Testing

/// The brokers of a suite. They start before its first test and end after its last one.
package enum Servers {
    @TaskLocal package static var rabbitMQ: Shared<RabbitMQServer>?
    @TaskLocal package static var redis: Shared<RedisServer>?

    package static func rabbit() throws -> RabbitMQServer {
        try of(rabbitMQ, "rabbitMQ")
    }

    package static func redisServer() throws -> RedisServer {
        try of(redis, "redis")
    }

    private static func of<Server>(_ server: Shared<Server>?, _ trait: String) throws -> Server {
        guard let server else { throw Unexpected("the suite lacks the trait .\(trait)") }
        return server.value
    }
}

/// Unchecked: the tests of a suite that uses it run one at a time.
package struct Shared<Value>: @unchecked Sendable {
    package let value: Value
}

package struct WithRabbitMQ: SuiteTrait, TestScoping {
    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let server = Shared(value: try RabbitMQServer())
        try await Servers.$rabbitMQ.withValue(server) { try await function() }
        server.value.stop(by: 9)
    }
}

package struct WithRedis: SuiteTrait, TestScoping {
    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let server = Shared(value: try RedisServer())
        try await Servers.$redis.withValue(server) { try await function() }
        server.value.stop(by: 9)
    }
}

extension Trait where Self == WithRabbitMQ {
    package static var rabbitMQ: Self { WithRabbitMQ() }
}

extension Trait where Self == WithRedis {
    package static var redis: Self { WithRedis() }
}
