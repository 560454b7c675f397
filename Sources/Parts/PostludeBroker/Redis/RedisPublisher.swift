/// Publishes to Redis: a message is there when LPUSH has been answered. Redis knows no more than that.
package final class RedisPublisher: CeleryPublisher {
    private let connection: RedisConnection

    package var isClosed: Bool { connection.isClosed }

    init(_ address: BrokerAddress) throws(BrokerError) { connection = try RedisConnection(address) }

    package func publish(_ message: CeleryMessage, to queue: String) throws(BrokerError) {
        try publish(message.redisMessage(to: queue, keyPrefix: connection.address.keyPrefix))
    }

    /// Sends a message in its final form; that is what is checked.
    func publish(_ message: RedisMessage) throws(BrokerError) {
        do throws(ContractViolation) {
            try message.check(keyPrefix: connection.address.keyPrefix)
        } catch {
            throw BrokerError(error)
        }
        guard !isClosed else { throw connection.closed("the connection is closed") }
        do throws(BrokerError) {
            _ = try connection.commands([["LPUSH", RedisWord(message.list), RedisWord(message.envelope)]])
        } catch {
            throw error.code == .closed || error.code == .timeout ? error.duringPublish : error
        }
    }

    /// Redis may close what is idle (`timeout`), and asks for nothing else.
    package func keepAlive() throws(BrokerError) { _ = try connection.commands([["PING"]]) }

    package func close() { connection.close() }
}
