import Foundation
import PostludeBroker

/// A process that consumes a queue, for tests that kill it: `PostludeBrokerTestbed URL QUEUE FILE`.
///
/// It writes `begin ID` before it works on a task and `end ID` after it. Then it acknowledges the task.
@main
enum BrokerTestbed {
    private static func consumer(of queue: String, at address: BrokerAddress) throws -> any CeleryConsumer {
        guard address.kind == .redis else { return try address.broker.consumer(of: queue, prefetch: 5) }
        let times = RedisConsumer.Times(life: .seconds(4), interval: .seconds(1))
        return try RedisConsumer(address, queue: queue, prefetch: 5, times: times)
    }

    static func main() throws {
        let words = CommandLine.arguments
        guard words.count == 4, let file = FileHandle(forUpdatingAtPath: words[3]) else {
            throw CocoaError(.fileNoSuchFile)
        }
        let consumer = try consumer(of: words[2], at: BrokerAddress(words[1]))
        while true {
            guard case .task(let delivery)? = try consumer.receive(within: .seconds(1), orReadable: nil)
            else {
                continue
            }
            // Each line is one write, so that lines stay whole if several processes write, or if one is
            // killed.
            _ = try file.seekToEnd()
            try file.write(contentsOf: Data("begin \(delivery.task.id)\n".utf8))
            usleep(2_000)
            try file.write(contentsOf: Data("end \(delivery.task.id)\n".utf8))
            try consumer.acknowledge(delivery.id)
        }
    }
}
