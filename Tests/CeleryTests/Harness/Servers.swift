import Testing

/// The brokers of a suite: started before its first test, ended after its last one.
enum Servers {
    @TaskLocal static var rabbitMQ: Shared<RabbitMQServer>?
    @TaskLocal static var redis: Shared<RedisServer>?

    static func rabbit() throws -> RabbitMQServer {
        try #require(rabbitMQ).value
    }

    static func redisServer() throws -> RedisServer {
        try #require(redis).value
    }
}

/// Unchecked: the tests of a suite that uses it run one after another.
struct Shared<Value>: @unchecked Sendable {
    let value: Value
}

struct WithRabbitMQ: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let server = Shared(value: try RabbitMQServer())
        try await Servers.$rabbitMQ.withValue(server) { try await function() }
        server.value.stop(by: 9)
    }
}

struct WithRedis: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let server = Shared(value: try RedisServer())
        try await Servers.$redis.withValue(server) { try await function() }
        server.value.stop(by: 9)
    }
}

extension Trait where Self == WithRabbitMQ {
    static var rabbitMQ: Self { WithRabbitMQ() }
}

extension Trait where Self == WithRedis {
    static var redis: Self { WithRedis() }
}
