import Foundation
import PostludeBrokerFixtures
import PostludeSpawning
import Testing

@testable import PostludeBroker

/// Peers that are not Redis, or that fail in the middle.
@Suite struct RedisLossTests {
    /// A peer that answers each received piece of a request with the next of these replies, and then falls
    /// silent.
    static func peer(_ answers: [[UInt8]], closes: Bool = false, delay: UInt32 = 0) throws -> BrokerAddress {
        let port = try FreePort.take()
        let listener = try Socket(listeningOn: port)
        Thread.detachNewThread {
            while let client = listener.acceptOne() {
                Thread.detachNewThread {
                    for answer in answers {
                        guard !client.read().isEmpty else { return }
                        for byte in delay > 0 ? answer.map({ [$0] }) : [answer] {
                            guard client.write(byte) else { return }
                            usleep(delay)
                        }
                    }
                    if closes { return client.close() }
                    while !client.read().isEmpty {}
                }
            }
        }
        return try BrokerAddress("redis://127.0.0.1:\(port)/0?answer_timeout=500&connection_timeout=500")
    }

    static func error(_ address: BrokerAddress) throws -> BrokerError? {
        let publisher = try RedisPublisher(address)
        let start = ContinuousClock.now
        do throws(BrokerError) {
            try publisher.publish(BrokerTests.RedisTests.message(), to: "q")
            return nil
        } catch {
            #expect(ContinuousClock.now - start < .seconds(15))
            return error
        }
    }

    @Test func `A missing reply, and one that trickles, end at the deadline`() throws {
        for address in [
            try Self.peer([]),
            try Self.peer(
                [Array("$900000\r\n".utf8) + [UInt8](repeating: 0x20, count: 900_000)], delay: 20_000),
        ] {
            let error = try Self.error(address)
            #expect(error?.code == .timeout && error?.mayHaveArrived == true && error?.isWorthRetry == true)
        }
    }

    @Test func `A connection that ends in the middle of a reply is an error that says so`() throws {
        let error = try Self.error(try Self.peer([Array("$10\r\nabc".utf8)], closes: true))
        #expect(error?.code == .closed && error?.mayHaveArrived == true)
    }

    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\0", "*-5\r\n", "$99999999999999999999\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
    ])
    func `Bytes that are not a Redis reply are an error`(text: String) throws {
        let error = try Self.error(try Self.peer([Array(text.utf8)]))
        #expect(error?.isWorthRetry == true)
    }

    @Test func `The size of a reply is bounded`() throws {
        let port = try FreePort.take()
        let listener = try Socket(listeningOn: port)
        Thread.detachNewThread {
            guard let client = listener.acceptOne() else { return }
            _ = client.read()
            client.write(Array("$999999999\r\n".utf8))
            let piece = [UInt8](repeating: 0x20, count: 1 << 20)
            while client.write(piece) {}
        }
        let address = try BrokerAddress("redis://127.0.0.1:\(port)/0?answer_timeout=60000")
        let publisher = try RedisPublisher(address)
        let error = #expect(throws: BrokerError.self) {
            try publisher.publish(BrokerTests.RedisTests.message(), to: "q")
        }
        #expect(error?.description.contains("larger than") == true, "\(error?.description ?? "")")
    }

    @Test func `A closed port and a path without a socket are connection errors`() throws {
        for url in ["redis://127.0.0.1:\(try FreePort.take())/0", "redis+socket:///nowhere/redis.sock"] {
            let error = #expect(throws: BrokerError.self) { try BrokerAddress(url).broker.publisher() }
            #expect(error?.code == .connect && error?.isWorthRetry == true)
        }
    }

    @Test func `If Redis dies between two messages, the call fails and the process lives on`() throws {
        let server = try RedisServer()
        let publisher = try BrokerAddress(server.url).broker.publisher()
        try publisher.publish(BrokerTests.RedisTests.message(), to: "q")
        server.stop(by: SIGKILL)
        let error = #expect(throws: BrokerError.self) {
            for _ in 0..<3 { try publisher.publish(BrokerTests.RedisTests.message(), to: "q") }
        }
        #expect(error?.isWorthRetry == true)
        #expect(publisher.isClosed)
    }
}
