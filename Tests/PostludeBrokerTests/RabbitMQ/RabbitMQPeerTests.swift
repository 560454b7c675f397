import Foundation
import PostludeBrokerFixtures
import PostludeSpawning
import Testing

@testable import PostludeBroker

extension BrokerTests {
    /// Peers that are not RabbitMQ, and a RabbitMQ whose bytes arrive damaged.
    @Suite struct RabbitMQPeerTests {
        static func error(of greeting: [UInt8]) throws -> BrokerError? {
            let port = try FreePort.take()
            let listener = try Socket(listeningOn: port)
            Thread.detachNewThread {
                while let client = listener.acceptOne() {
                    client.write(greeting)
                    while !client.read().isEmpty {}
                }
            }
            let url = "amqp://127.0.0.1:\(port)/?connection_timeout=700&answer_timeout=700"
            let start = ContinuousClock.now
            do {
                _ = try BrokerAddress(url).broker.publisher()
                return nil
            } catch {
                #expect(ContinuousClock.now - start < .seconds(15))
                return error
            }
        }

        @Test(arguments: [
            [], Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), Array("AMQP\0\0\u{9}\u{1}".utf8),
            [1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0], [1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 10, 0xce],
            [UInt8](repeating: 0, count: 100_000),
        ])
        func `A peer that is not RabbitMQ is an error before the deadline`(greeting: [UInt8]) throws {
            let error = try Self.error(of: greeting)
            #expect(error != nil && error?.remedy != .message, "\(error?.description ?? "none")")
        }

        @Test func `Damaged bytes are errors or another message, and do not crash the process`() throws {
            let server = try Servers.rabbit()
            let proxy = try Proxy(to: server.port)
            defer { proxy.close() }
            let direct = try BrokerAddress(server.url).broker
            try direct.consumer(of: "broken", prefetch: 1).close()
            let publisher = try direct.publisher()
            let address = try BrokerAddress(
                server.url(by: proxy, "connection_timeout=300&answer_timeout=300&heartbeat=1"))
            let rounds = ProcessInfo.processInfo.environment["CELERY_TEST_ROUNDS"].flatMap { Int($0) } ?? 40
            var outcomes: [String: Int] = [:]
            for round in 0..<rounds {
                var message = RabbitMQTests.message()
                message.headers = [
                    .init("table", .table([.init("list", .list([.integer(1), .text("x"), .null]))]))
                ]
                try publisher.publish(message, to: "broken")
                // Damaged from the start, or after the handshake.
                if round % 4 == 0 { proxy.set(.corruptAnswers(seed: UInt64(round))) }
                do {
                    let consumer = try address.broker.consumer(of: "broken", prefetch: 10)
                    proxy.set(.corruptAnswers(seed: UInt64(round)))
                    for _ in 0..<3 {
                        switch try consumer.receive(within: .milliseconds(100), orReadable: nil) {
                        case .task(let delivery)?:
                            outcomes["task", default: 0] += 1
                            try consumer.acknowledge(delivery.id)
                        case .refused?, .setAside?: outcomes["refused", default: 0] += 1
                        case nil: outcomes["nothing", default: 0] += 1
                        }
                    }
                } catch {
                    outcomes["\(error.code)", default: 0] += 1
                }
                proxy.set(.forward)
            }
            print("broken bytes: \(outcomes)")
        }
    }
}
