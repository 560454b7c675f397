/// Publishes to Redis. A message is in its list when Redis has answered LPUSH; Redis has no other confirmation.
package final class RedisPublisher: CeleryPublisher {
    private let connection: RedisConnection

    package var isClosed: Bool { connection.isClosed }

    init(_ address: BrokerAddress) throws(BrokerError) { connection = try RedisConnection(address) }

    package func publish(_ message: CeleryMessage, to queue: String) throws(BrokerError) {
        try publish(message.redisMessage(to: queue, keyPrefix: connection.address.keyPrefix))
    }

    /// Checks and sends a message in its final form.
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

    /// Sends PING, because Redis may close idle connections (its setting `timeout`).
    package func keepAlive() throws(BrokerError) { _ = try connection.commands([["PING"]]) }

    package func close() { connection.close() }
}
