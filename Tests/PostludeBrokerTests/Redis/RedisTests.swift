import Foundation
import PostludeBrokerFixtures
import Testing

@testable import PostludeBroker

extension BrokerTests {
    @Suite struct RedisTests {
        static func message(_ task: String = "app.echo", arguments: String = "[1]") -> CeleryMessage {
            CeleryMessage(task: task, id: UUID().uuidString.lowercased(), arguments: arguments)
        }

        static let times = RedisConsumer.Times(
            life: .seconds(1), interval: .milliseconds(200), wait: .milliseconds(200))

        static func consumer(_ server: RedisServer, _ queue: String, prefetch: Int = 10) throws
            -> RedisConsumer
        {
            try RedisConsumer(try BrokerAddress(server.url), queue: queue, prefetch: prefetch, times: times)
        }

        @Test func `A published message is received, and is gone after it is acknowledged`() throws {
            let server = try Servers.redisServer()
            let broker = try BrokerAddress(server.url).broker
            let publisher = try broker.publisher()
            let message = Self.message()
            try publisher.publish(message, to: "plain")
            #expect(try server.command("LLEN", "plain") == "1")

            let consumer = try Self.consumer(server, "plain")
            let delivery = try #require(try consumer.task())
            #expect(delivery.task.id == message.id)
            #expect(delivery.task.name == "app.echo")
            #expect(delivery.task.arguments == "[1]")
            #expect(delivery.task.keywordArguments == "{}")
            #expect(!delivery.isRedelivered)
            #expect(try server.command("LLEN", "plain") == "0")
            #expect(try consumer.acknowledge(delivery.id))
            consumer.close()
            #expect(try server.command("KEYS", "postlude:*:plain*").isEmpty)
        }

        @Test func `A waiting consumer receives new messages`() throws {
            let server = try Servers.redisServer()
            let consumer = try Self.consumer(server, "waiting")
            #expect(try consumer.receive(within: .milliseconds(50), orReadable: nil) == nil)
            let publisher = try BrokerAddress(server.url).broker.publisher()
            try publisher.publish(Self.message(), to: "waiting")
            #expect(try consumer.task() != nil)
        }

        @Test func `Priorities use kombu's lists, and are delivered in their order`() throws {
            let server = try Servers.redisServer()
            let publisher = try BrokerAddress(server.url).broker.publisher()
            for (priority, argument) in [(MessagePriority.low, 3), (.normal, 2), (.number(9), 4), (.high, 1)]
            {
                var message = Self.message(arguments: "[\(argument)]")
                message.priority = priority
                try publisher.publish(message, to: "priorities")
            }
            for step in ["", "\u{6}\u{16}3", "\u{6}\u{16}6", "\u{6}\u{16}9"] {
                #expect(try server.command("LLEN", "priorities\(step)") == "1")
            }
            let consumer = try Self.consumer(server, "priorities")
            for argument in 1...4 { #expect(try consumer.task()?.task.arguments == "[\(argument)]") }
        }

        @Test func `At most the prefetch is delivered`() throws {
            let server = try Servers.redisServer()
            let publisher = try BrokerAddress(server.url).broker.publisher()
            for _ in 0..<3 { try publisher.publish(Self.message(), to: "few") }
            let consumer = try Self.consumer(server, "few", prefetch: 2)
            let first = try #require(try consumer.task())
            _ = try #require(try consumer.task())
            #expect(try consumer.receive(within: .milliseconds(300), orReadable: nil) == nil)
            try consumer.acknowledge(first.id)
            #expect(try consumer.task() != nil)
        }

        @Test func `A readable descriptor ends the wait`() throws {
            let server = try Servers.redisServer()
            let consumer = try Self.consumer(server, "woken")
            var ends: [Int32] = [0, 0]
            pipe(&ends)
            defer { for end in ends { close(end) } }
            let start = ContinuousClock.now
            Thread.detachNewThread { [end = ends[1]] in
                usleep(100_000)
                write(end, "x", 1)
            }
            #expect(try consumer.receive(within: .seconds(30), orReadable: ends[0]) == nil)
            #expect(ContinuousClock.now - start < .seconds(15))
            // It can acknowledge and receive at once, although Redis may still hold its blocking command.
            let publisher = try BrokerAddress(server.url).broker.publisher()
            try publisher.publish(Self.message(), to: "woken")
            #expect(try consumer.task() != nil)
        }

        @Test func `A live consumer's messages stay its own; a dead consumer's are reclaimed exactly once`()
            throws
        {
            let server = try Servers.redisServer()
            let publisher = try BrokerAddress(server.url).broker.publisher()
            for number in 0..<50 {
                try publisher.publish(Self.message(arguments: "[\(number)]"), to: "reclaimed")
            }
            let dead = try Self.consumer(server, "reclaimed", prefetch: 50)
            var held: [Delivery] = []
            for _ in 0..<50 { held.append(try #require(try dead.task())) }
            try dead.acknowledge(held[0].id)

            let others = [
                try Self.consumer(server, "reclaimed", prefetch: 50),
                try Self.consumer(server, "reclaimed", prefetch: 50),
            ]
            #expect(try others[0].receive(within: .milliseconds(300), orReadable: nil) == nil)

            // From here on it gives no sign of life, as if its process were stopped.
            var received: [Delivery] = []
            let end = ContinuousClock.now + .seconds(30)
            while received.count < 49, ContinuousClock.now < end {
                for other in others {
                    if case .task(let delivery)? = try other.receive(
                        within: .milliseconds(50), orReadable: nil)
                    {
                        received.append(delivery)
                        try other.acknowledge(delivery.id)
                    }
                }
            }
            // In their order, although two consumers receive them.
            #expect(Set(received.map(\.task.arguments)) == Set((1..<50).map { "[\($0)]" }))
            #expect(received.count == 49)
            #expect(received.count { $0.isRedelivered } == 49)
            // The dead consumer wakes up: its deliveries belong to another consumer now.
            #expect(try !dead.acknowledge(held[1].id))
            #expect(try !dead.requeue(held[2].id))
            for other in others {
                #expect(try other.receive(within: .milliseconds(50), orReadable: nil) == nil)
            }
        }

        @Test func `Messages that are requeued, or unacknowledged at the close, are delivered again`() throws
        {
            let server = try Servers.redisServer()
            let publisher = try BrokerAddress(server.url).broker.publisher()
            for number in 1...3 { try publisher.publish(Self.message(arguments: "[\(number)]"), to: "again") }
            let consumer = try Self.consumer(server, "again")
            let first = try #require(try consumer.task())
            try consumer.requeue(first.id)
            #expect(try consumer.task()?.task.id == first.task.id)
            _ = try consumer.task()
            consumer.close()
            #expect(try server.command("LLEN", "again") == "3")
            let next = try Self.consumer(server, "again")
            for number in 1...3 { #expect(try next.task()?.task.arguments == "[\(number)]") }
        }

        @Test func `A rejected message is kept in a list of its own, and a delivery is concluded once`()
            throws
        {
            let server = try Servers.redisServer()
            let publisher = try BrokerAddress(server.url).broker.publisher()
            try publisher.publish(Self.message("app.unknown"), to: "rejected")
            let consumer = try Self.consumer(server, "rejected")
            let delivery = try #require(try consumer.task())
            #expect(try consumer.reject(delivery.id, reason: "there is no task app.unknown"))
            #expect(try server.command("LLEN", "postlude:rejected:rejected") == "1")
            let error = #expect(throws: BrokerError.self) { try consumer.acknowledge(delivery.id) }
            #expect(error?.code == .delivery)
            #expect(try consumer.receive(within: .milliseconds(50), orReadable: nil) == nil)
        }

        @Test(arguments: [
            ("nonsense", "not JSON"), ("{}", "no headers"), ("[]", "no headers"), ("", "not JSON"),
            (
                #"{"headers":{"task":"a"},"body":"W10=","content-type":"application/json","content-encoding":"utf-8"}"#,
                "no id"
            ),
            (
                #"{"headers":{"task":"a","id":"1"},"body":"%%","properties":{"body_encoding":"base64"}}"#,
                "not base64"
            ),
            (
                #"{"headers":{"task":"a","id":"1"},"body":"gAQ=","content-type":"application/x-python-serialize","#
                    + #""properties":{"body_encoding":"base64"}}"#,
                "content type"
            ),
            (
                #"{"headers":{},"body":"e30=","content-type":"application/json","#
                    + #""properties":{"body_encoding":"base64"}}"#,
                "protocol 1"
            ),
        ])
        func `A message that is not a task is refused with a reason, and is not delivered again`(
            text: String, reason: String
        ) throws {
            let server = try Servers.redisServer()
            try server.command("DEL", "poison")
            let connection = try RedisConnection(try BrokerAddress(server.url))
            _ = try connection.commands([["LPUSH", "poison", RedisWord(text)]])
            let consumer = try Self.consumer(server, "poison")
            guard case .refused(let refused)? = try consumer.receive(within: .seconds(5), orReadable: nil)
            else {
                throw Unexpected("not refused")
            }
            #expect(refused.reason.contains(reason), "\(refused.reason)")
            try consumer.reject(refused.delivery, reason: refused.reason)
            #expect(try consumer.receive(within: .milliseconds(50), orReadable: nil) == nil)
            consumer.close()
            #expect(try server.command("LLEN", "poison") == "0")
        }

        @Test func `Redis itself sets aside a message over the size limit`() throws {
            let server = try Servers.redisServer()
            try server.command(
                "EVAL", "redis.call('LPUSH', KEYS[1], string.rep('x', \(ContractBounds.envelope + 1)))", "1",
                "huge")
            let publisher = try BrokerAddress(server.url).broker.publisher()
            try publisher.publish(Self.message(), to: "huge")
            let consumer = try Self.consumer(server, "huge")
            #expect(try consumer.task() != nil)
            guard case .setAside(let size)? = try consumer.receive(within: .seconds(5), orReadable: nil)
            else {
                throw Unexpected("not set aside")
            }
            #expect(size == ContractBounds.envelope + 1)
            #expect(try server.command("LLEN", "postlude:rejected:huge") == "1")
        }

        @Test func `A message over the size limit that a dead consumer had taken is set aside`() throws {
            let server = try Servers.redisServer()
            try server.command("SADD", "postlude:consumers:left", "dead")
            try server.command(
                "EVAL", "redis.call('LPUSH', KEYS[1], string.rep('x', \(ContractBounds.envelope + 1)))", "1",
                "postlude:taken:left:dead")
            let consumer = try Self.consumer(server, "left")
            guard case .setAside(let size)? = try consumer.receive(within: .seconds(5), orReadable: nil)
            else {
                throw Unexpected("not set aside")
            }
            #expect(size == ContractBounds.envelope + 1)
            #expect(try server.command("LLEN", "postlude:rejected:left") == "1")
        }

        @Test func `It logs in, chooses a database, and puts a prefix before every key`() throws {
            let server = try RedisServer("--requirepass", "s ecret")
            let refused = #expect(throws: BrokerError.self) {
                try BrokerAddress("redis://:wrong@127.0.0.1:\(server.port)/0").broker.publisher()
            }
            #expect(refused?.code == .authentication)
            #expect(refused?.remedy == .settings)
            #expect(refused?.description.contains("wrong@") == false)
            let none = try BrokerAddress(server.url).broker.publisher()
            let unknown = #expect(throws: BrokerError.self) { try none.publish(Self.message(), to: "q") }
            #expect(unknown?.remedy == .settings)

            let address = try BrokerAddress(
                "redis://:s%20ecret@127.0.0.1:\(server.port)/3?global_keyprefix=site:")
            try address.broker.publisher().publish(Self.message(), to: "q")
            #expect(
                try server.command("-a", "s ecret", "--no-auth-warning", "-n", "3", "LLEN", "site:q") == "1")
            let consumer = try RedisConsumer(address, queue: "q", prefetch: 1, times: Self.times)
            #expect(try consumer.task() != nil)
            #expect(
                try server.command("-a", "s ecret", "--no-auth-warning", "-n", "3", "KEYS", "*")
                    .split(separator: "\n").allSatisfy { $0.hasPrefix("site:postlude:") })
        }

        @Test func `A Unix socket works as well`() throws {
            let server = try Servers.redisServer()
            let address = try BrokerAddress("redis+socket://\(server.socketPath)?db=1")
            try address.broker.publisher().publish(Self.message(), to: "unix")
            #expect(try server.command("-n", "1", "LLEN", "unix") == "1")
        }

        @Test func `A key that is not a list is an error of the settings, not of the message`() throws {
            let server = try Servers.redisServer()
            try server.command("SET", "text", "1")
            let publisher = try BrokerAddress(server.url).broker.publisher()
            let error = #expect(throws: BrokerError.self) {
                try publisher.publish(Self.message(), to: "text")
            }
            #expect(error?.remedy == .settings)
            #expect(!publisher.isClosed)
            try publisher.publish(Self.message(), to: "other")
        }

        @Test func `A full Redis is worth a retry`() throws {
            let server = try RedisServer("--maxmemory", "1mb", "--maxmemory-policy", "noeviction")
            let publisher = try BrokerAddress(server.url).broker.publisher()
            let large = Self.message(arguments: "[\"\(String(repeating: "x", count: 2_000_000))\"]")
            let error = #expect(throws: BrokerError.self) {
                for _ in 0..<2 { try publisher.publish(large, to: "q") }
            }
            #expect(error?.isWorthRetry == true && error?.mayHaveArrived == false)
            #expect(error?.description.contains("OOM") == true)
        }

        @Test func `Results are looked up and stored`() throws {
            let server = try Servers.redisServer()
            let results = try RedisResults(try BrokerAddress(server.url))
            #expect(try results.result(of: "none").status == .pending)
            try results.store(CeleryResult(id: "done", status: .success, result: #"{"a":[1,"é"]}"#))
            let found = try results.result(of: "done")
            #expect(found.status == .success)
            #expect(found.result == #"{"a":[1,"é"]}"#)
            try server.command("SET", "celery-task-meta-odd", "nonsense")
            let error = #expect(throws: BrokerError.self) { try results.result(of: "odd") }
            #expect(error?.description.contains("odd") == true)
        }
    }
}

extension CeleryConsumer {
    /// Receives the next message: its task, or nil if it is refused or does not arrive in time.
    func task(within time: Duration = .seconds(20)) throws -> Delivery? {
        guard case .task(let delivery)? = try receive(within: time, orReadable: nil) else { return nil }
        return delivery
    }
}
