import Foundation
import PostludeBrokerFixtures
import PostludeSpawning
import Testing

@testable import PostludeBroker

extension BrokerTests {
    @Suite struct RabbitMQTests {
        static func message(_ task: String = "app.echo", arguments: String = "[1]") -> CeleryMessage {
            CeleryMessage(task: task, id: UUID().uuidString.lowercased(), arguments: arguments)
        }

        /// Declares the queue by its first consumer, as a worker does.
        static func make(_ queue: String, on server: RabbitMQServer) throws {
            try BrokerAddress(server.url).broker.consumer(of: queue, prefetch: 1).close()
        }

        @Test func `Without a queue nothing is published, and the connection stays open`() throws {
            let server = try Servers.rabbit()
            let publisher = try BrokerAddress(server.url).broker.publisher()
            let error = #expect(throws: BrokerError.self) {
                try publisher.publish(Self.message(), to: "nowhere")
            }
            #expect(error?.code == .unroutable)
            #expect(error?.isWorthRetry == true && error?.mayHaveArrived == false)
            #expect(error?.description.contains("no queue accepts it") == true)
            #expect(!publisher.isClosed)
            try Self.make("nowhere", on: server)
            try publisher.publish(Self.message(), to: "nowhere")
        }

        @Test func `A published message is received, and is gone after it is acknowledged`() throws {
            let server = try Servers.rabbit()
            let broker = try BrokerAddress(server.url).broker
            let consumer = try broker.consumer(of: "plain", prefetch: 10)
            let publisher = try broker.publisher()
            var message = Self.message()
            message.headers = [
                .init(
                    "nested",
                    .table([
                        .init(
                            "list", .list([.integer(.min), .number(0.5), .bool(true), .null, .text("é\0")]))
                    ]))
            ]
            try publisher.publish(message, to: "plain")
            let delivery = try #require(try consumer.task())
            #expect(delivery.task.id == message.id)
            #expect(delivery.task.arguments == "[1]")
            #expect(delivery.task.headers == message.amqpMessage(to: "plain").headers)
            #expect(!delivery.isRedelivered)
            try consumer.acknowledge(delivery.id)
            consumer.close()
            let next = try broker.consumer(of: "plain", prefetch: 10)
            #expect(try next.receive(within: .milliseconds(200), orReadable: nil) == nil)
        }

        @Test
        func
            `Large bodies are sent and received in many frames; bodies over the limit are refused and dropped`()
            throws
        {
            let server = try Servers.rabbit()
            let broker = try BrokerAddress(server.url).broker
            let consumer = try broker.consumer(of: "large", prefetch: 10)
            let publisher = try broker.publisher()
            let message = Self.message(arguments: "[\"\(String(repeating: "x", count: 3_000_000))\"]")
            try publisher.publish(message, to: "large")
            #expect(try consumer.task()?.task.arguments == message.arguments)
            // Sent without our own check, as another program might.
            let connection = try RabbitMQConnection(try BrokerAddress(server.url))
            var huge = Self.message().amqpMessage(to: "large")
            huge.body = [UInt8](repeating: 0x20, count: ContractBounds.body + 1)
            try connection.publish(huge)
            connection.close()
            try publisher.publish(Self.message(arguments: "[2]"), to: "large")
            guard case .refused(let refused)? = try consumer.receive(within: .seconds(60), orReadable: nil)
            else {
                throw Unexpected("not refused")
            }
            #expect(refused.reason.contains("bytes"))
            #expect(try consumer.task()?.task.arguments == "[2]")
        }

        @Test func `At most the prefetch is delivered, and a closed connection returns its messages`() throws
        {
            let server = try Servers.rabbit()
            let broker = try BrokerAddress(server.url).broker
            let consumer = try broker.consumer(of: "few", prefetch: 2)
            let publisher = try broker.publisher()
            for number in 1...3 { try publisher.publish(Self.message(arguments: "[\(number)]"), to: "few") }
            let first = try #require(try consumer.task())
            _ = try #require(try consumer.task())
            #expect(try consumer.receive(within: .milliseconds(300), orReadable: nil) == nil)
            try consumer.acknowledge(first.id)
            #expect(try consumer.task()?.task.arguments == "[3]")
            consumer.close()
            let next = try broker.consumer(of: "few", prefetch: 2)
            for number in 2...3 {
                let delivery = try #require(try next.task())
                #expect(delivery.isRedelivered && delivery.task.arguments == "[\(number)]")
            }
        }

        @Test func `A readable descriptor ends the wait`() throws {
            let consumer = try BrokerAddress(try Servers.rabbit().url).broker.consumer(
                of: "woken", prefetch: 1)
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
        }

        @Test func `A rejected message goes to the broker's dead letters, a requeued one is delivered again`()
            throws
        {
            let server = try Servers.rabbit()
            let broker = try BrokerAddress(server.url).broker
            try server.control(
                "set_policy", "dead", "^living$",
                #"{"dead-letter-exchange":"","dead-letter-routing-key":"dead"}"#
            )
            let dead = try broker.consumer(of: "dead", prefetch: 1)
            let consumer = try broker.consumer(of: "living", prefetch: 1)
            let publisher = try broker.publisher()
            let message = Self.message("app.unknown")
            try publisher.publish(message, to: "living")
            let delivery = try #require(try consumer.task())
            try consumer.requeue(delivery.id)
            let again = try #require(try consumer.task())
            #expect(again.isRedelivered)
            try consumer.reject(again.id, reason: "there is no task app.unknown")
            let letter = try #require(try dead.task())
            #expect(letter.task.id == message.id)
            #expect(letter.task.headers["x-death"] != nil)
            let error = #expect(throws: BrokerError.self) { try consumer.acknowledge(again.id) }
            #expect(error?.code == .delivery)
            #expect(!consumer.isClosed)
        }

        @Test func `Messages that are not tasks are refused with a reason, and are not delivered again`()
            throws
        {
            let server = try Servers.rabbit()
            let broker = try BrokerAddress(server.url).broker
            let consumer = try broker.consumer(of: "poison", prefetch: 10)
            let connection = try RabbitMQConnection(try BrokerAddress(server.url))
            func send(_ change: (inout AMQPMessage) -> Void) throws {
                var message = Self.message().amqpMessage(to: "poison")
                change(&message)
                try connection.publish(message)
            }
            var deep = HeaderValue.integer(1)
            for _ in 0..<3_000 { deep = .table([.init("a", deep)]) }
            var lists = HeaderValue.integer(1)
            for _ in 0..<3_000 { lists = .list([lists]) }
            let poisons: [(String, (inout AMQPMessage) -> Void)] = [
                ("not JSON", { $0.body = [0xff, 0xfe] }),
                ("no id", { $0.headers.removeAll { $0.name == "id" } }),
                ("content type", { $0.contentType = "" }), ("protocol 1", { $0.headers = [] }),
                ("[args, kwargs, embed]", { $0.body = Array("[[],{}]".utf8) }),
                ("not JSON", { $0.body = [] }),
                ("nested", { $0.headers.append(.init("deep", deep)) }),
                ("nested", { $0.headers.append(.init("lists", lists)) }),
            ]
            for (reason, change) in poisons {
                try send(change)
                guard
                    case .refused(let refused)? = try consumer.receive(within: .seconds(20), orReadable: nil)
                else {
                    throw Unexpected("not refused: \(reason)")
                }
                #expect(refused.reason.contains(reason), "\(refused.reason)")
                try consumer.reject(refused.delivery, reason: refused.reason)
            }
            consumer.close()
            let next = try broker.consumer(of: "poison", prefetch: 10)
            #expect(try next.receive(within: .milliseconds(200), orReadable: nil) == nil)
        }

        @Test func `A queue with arguments of its own is used unchanged`() throws {
            let server = try Servers.rabbit()
            let folder = try Folder()
            _ = try Python.run(
                """
                import kombu, os
                with kombu.Connection(os.environ["BROKER"]) as connection:
                    ranked = kombu.Queue("ranked", routing_key="ranked", durable=True, max_priority=10)
                    ranked(connection.default_channel).declare()
                    arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
                    full = kombu.Queue("full", durable=True, queue_arguments=arguments)
                    full(connection.default_channel).declare()
                """, in: folder, environment: ["BROKER": server.url])
            let broker = try BrokerAddress(server.url).broker
            let publisher = try broker.publisher()
            for (priority, number) in [(MessagePriority.low, 3), (.high, 1), (.normal, 2)] {
                var message = Self.message(arguments: "[\(number)]")
                message.priority = priority
                try publisher.publish(message, to: "ranked")
            }
            let consumer = try broker.consumer(of: "ranked", prefetch: 1)
            for number in 1...3 {
                let delivery = try #require(try consumer.task())
                #expect(delivery.task.arguments == "[\(number)]")
                try consumer.acknowledge(delivery.id)
            }
            // A full queue answers basic.nack.
            try publisher.publish(Self.message(), to: "full")
            let error = #expect(throws: BrokerError.self) {
                try publisher.publish(Self.message(), to: "full")
            }
            #expect(error?.code == .refused && error?.isWorthRetry == true)
            #expect(!publisher.isClosed)
        }

        @Test func `A quorum queue counts deliveries of a message, and drops it at its limit`() throws {
            let server = try Servers.rabbit()
            let folder = try Folder()
            _ = try Python.run(
                """
                import kombu, os
                with kombu.Connection(os.environ["BROKER"]) as connection:
                    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 2, "x-dead-letter-exchange": "",
                                 "x-dead-letter-routing-key": "given-up"}
                    counted = kombu.Queue("counted", durable=True, queue_arguments=arguments)
                    counted(connection.default_channel).declare()
                """, in: folder, environment: ["BROKER": server.url])
            let broker = try BrokerAddress(server.url).broker
            let dead = try broker.consumer(of: "given-up", prefetch: 1)
            let consumer = try broker.consumer(of: "counted", prefetch: 1)
            let message = Self.message()
            try broker.publisher().publish(message, to: "counted")
            for count in 0...2 {
                let delivery = try #require(try consumer.task())
                #expect((delivery.earlierDeliveries ?? 0) == count)
                try consumer.requeue(delivery.id)
            }
            #expect(try dead.task()?.task.id == message.id)
            #expect(try consumer.receive(within: .milliseconds(200), orReadable: nil) == nil)
        }

        @Test func `A broker that blocks publishers says why`() throws {
            let server = try Servers.rabbit()
            try Self.make("alarmed", on: server)
            try server.control("set_vm_memory_high_watermark", "absolute", "1MB")
            // Its connection sends no heartbeats between calls, and rabbitmqctl may take longer than their timeout.
            let publisher = try BrokerAddress(server.url + "?answer_timeout=3000").broker.publisher()
            let error = #expect(throws: BrokerError.self) {
                for _ in 0..<3 { try publisher.publish(Self.message(), to: "alarmed") }
            }
            try server.control("set_vm_memory_high_watermark", "absolute", "1GB")
            #expect(error?.code == .timeout && error?.isWorthRetry == true && error?.mayHaveArrived == true)
            #expect(
                error?.description.contains("accepts no messages: low on memory") == true,
                "\(error?.description ?? "")")
        }

        @Test func `A user without permission to write is an error of the settings`() throws {
            let server = try Servers.rabbit()
            try Self.make("forbidden", on: server)
            try server.control("add_user", "reader", "word")
            try server.control("set_permissions", "reader", "", "", ".*")
            let publisher = try BrokerAddress("amqp://reader:word@127.0.0.1:\(server.port)/").broker
                .publisher()
            let error = #expect(throws: BrokerError.self) {
                try publisher.publish(Self.message(), to: "forbidden")
            }
            #expect(
                error?.remedy == .settings && error?.mayHaveArrived == false, "\(error?.description ?? "")")
        }

        @Test func `A wrong password, an unknown virtual host and a closed port are different errors`() throws
        {
            let server = try Servers.rabbit()
            let port = server.port
            let password = #expect(throws: BrokerError.self) {
                try BrokerAddress("amqp://guest:wrong@127.0.0.1:\(port)/").broker.publisher()
            }
            #expect(
                password?.code == .authentication && password?.remedy == .settings,
                "\(password?.description ?? "")")
            let host = #expect(throws: BrokerError.self) {
                try BrokerAddress("amqp://127.0.0.1:\(port)/nowhere").broker.publisher()
            }
            #expect(host?.code == .authentication && host?.remedy == .settings, "\(host?.description ?? "")")
            let closed = #expect(throws: BrokerError.self) {
                try BrokerAddress("amqp://127.0.0.1:\(FreePort.take())/").broker.publisher()
            }
            #expect(closed?.code == .connect && closed?.isWorthRetry == true)
        }

        @Test func `TLS verifies the broker's certificate and host name`() throws {
            let server = try Servers.rabbit()
            func publisher(_ host: String, _ query: String) throws -> any CeleryPublisher {
                try BrokerAddress("amqps://guest:guest@\(host):\(server.tlsPort)/?\(query)").broker
                    .publisher()
            }
            let authorities = server.folder.file("ca.pem")
            try Self.make("encrypted", on: server)
            try publisher("localhost", "cacertfile=\(authorities)").publish(Self.message(), to: "encrypted")
            let consumer = try BrokerAddress("amqps://localhost:\(server.tlsPort)/?cacertfile=\(authorities)")
                .broker
                .consumer(of: "encrypted", prefetch: 1)
            #expect(try consumer.task() != nil)

            // An authority that is not trusted, the system's authorities, and a name that the certificate
            // does not have.
            for (host, query) in [
                ("localhost", "cacertfile=\(server.folder.file("other.pem"))"), ("localhost", ""),
                ("127.0.0.1", "cacertfile=\(authorities)"),
            ] {
                let error = #expect(throws: BrokerError.self) { try publisher(host, query) }
                #expect(error?.code == .connect && error?.remedy == .settings, "\(error?.description ?? "")")
                #expect(error?.description.contains("certificate") == true, "\(error?.description ?? "")")
            }
            let file = #expect(throws: BrokerError.self) {
                try publisher("localhost", "cacertfile=/nowhere.pem")
            }
            #expect(file?.description.contains("/nowhere.pem") == true)
            try publisher("127.0.0.1", "verify=verify_none").publish(Self.message(), to: "encrypted")
        }

        // MARK: A broker that disappears

        @Test func `A broker ends before, during and after a publish`() throws {
            let server = try Servers.rabbit()
            try Self.make("lost", on: server)
            let proxy = try Proxy(to: server.port)
            defer { proxy.close() }
            let address = try BrokerAddress(server.url(by: proxy, "answer_timeout=1000"))

            for behaviour: Proxy.Behaviour in [.cutBeforeNextBytes, .cutAfterNextBytes, .swallowAnswers] {
                proxy.set(.forward)
                let publisher = try address.broker.publisher()
                try publisher.publish(Self.message(), to: "lost")
                proxy.set(behaviour)
                let start = ContinuousClock.now
                let error = #expect(throws: BrokerError.self) {
                    try publisher.publish(Self.message(), to: "lost")
                }
                #expect(ContinuousClock.now - start < .seconds(30))
                #expect(
                    error?.isWorthRetry == true && error?.mayHaveArrived == true,
                    "\(behaviour): \(error?.description ?? "")")
                #expect(error?.description.contains("may be sent again") == true)
                #expect(publisher.isClosed)
                // The state does not change afterwards.
                let later = #expect(throws: BrokerError.self) {
                    try publisher.publish(Self.message(), to: "lost")
                }
                #expect(
                    later?.code == .closed && later?.mayHaveArrived == false && later?.isWorthRetry == true)
            }
        }

        @Test func `A message that breaks the contract is never sent`() throws {
            let server = try Servers.rabbit()
            let publisher = try BrokerAddress(server.url).broker.publisher()
            let error = #expect(throws: BrokerError.self) {
                try publisher.publish(Self.message(arguments: "[NaN]"), to: "plain")
            }
            #expect(error?.code == .contract && error?.remedy == .message && error?.mayHaveArrived == false)
            #expect(!publisher.isClosed)
        }

        @Test func `Missing heartbeats reveal a silent broker; our heartbeats keep a live connection open`()
            throws
        {
            let server = try Servers.rabbit()
            let proxy = try Proxy(to: server.port)
            defer { proxy.close() }
            let consumer = try BrokerAddress(server.url(by: proxy, "heartbeat=1")).broker.consumer(
                of: "silent", prefetch: 1)
            // Longer than the broker's heartbeat timeout.
            #expect(try consumer.receive(within: .seconds(5), orReadable: nil) == nil)
            proxy.set(.swallowAnswers)
            let error = #expect(throws: BrokerError.self) {
                try consumer.receive(within: .seconds(60), orReadable: nil)
            }
            #expect(error?.code == .timeout && error?.isWorthRetry == true)
            #expect(consumer.isClosed)
        }

        @Test func `A deleted queue ends its consumer`() throws {
            let server = try Servers.rabbit()
            let consumer = try BrokerAddress(server.url).broker.consumer(of: "deleted", prefetch: 1)
            try server.control("delete_queue", "deleted")
            let error = #expect(throws: BrokerError.self) {
                try consumer.receive(within: .seconds(20), orReadable: nil)
            }
            #expect(error?.code == .closed && error?.isWorthRetry == true)
        }

        @Test func `Confirmed messages survive the broker's death`() throws {
            let server = try Servers.rabbit()
            let broker = try BrokerAddress(server.url).broker
            try Self.make("kept", on: server)
            let publisher = try broker.publisher()
            let start = ContinuousClock.now
            for number in 0..<100 {
                try publisher.publish(Self.message(arguments: "[\(number)]"), to: "kept")
            }
            print("100 messages confirmed one by one in \(ContinuousClock.now - start)")
            let consumer = try broker.consumer(of: "kept", prefetch: 1)
            server.stop(by: SIGKILL)
            let error = #expect(throws: BrokerError.self) {
                try publisher.publish(Self.message(), to: "kept")
            }
            #expect(error?.isWorthRetry == true)
            #expect(throws: BrokerError.self) {
                while true { _ = try consumer.receive(within: .seconds(1), orReadable: nil) }
            }
            try server.start()
            let next = try broker.consumer(of: "kept", prefetch: 100)
            for number in 0..<100 { #expect(try next.task()?.task.arguments == "[\(number)]") }
        }

        @Test func `A thread with a small stack refuses to consume`() async throws {
            let url = try Servers.rabbit().url
            let error: (any Error)? = await withCheckedContinuation { continuation in
                let thread = Thread {
                    do {
                        _ = try BrokerAddress(url).broker.consumer(of: "plain", prefetch: 1)
                        continuation.resume(returning: nil)
                    } catch {
                        continuation.resume(returning: error)
                    }
                }
                thread.stackSize = 1 << 20
                thread.start()
            }
            #expect((error as? BrokerError)?.code == .unsupported)
        }
    }
}
