/// A connection to the Redis server where Celery keeps results (`result_backend`), which may differ from the broker.
package final class RedisResults {
    /// Celery's own `result_expires`.
    package static let defaultLife: Duration = .seconds(86_400)

    private let connection: RedisConnection

    package var isClosed: Bool { connection.isClosed }

    package init(_ address: BrokerAddress) throws(BrokerError) {
        guard address.kind == .redis else {
            throw BrokerError(
                .unsupported, .settings,
                "\(address): results are read from Redis only; give the URL of Celery's result_backend")
        }
        connection = try RedisConnection(address)
    }

    /// Returns the result of a task. If there is none, its status is ``CeleryResult/Status/pending``.
    package func result(of id: String) throws(BrokerError) -> CeleryResult {
        let replies = try connection.commands([["GET", try key(id)]])
        guard case .bytes(let bytes)? = replies.first else { return CeleryResult(id: id, status: .pending) }
        guard let result = CeleryResult(id: id, stored: bytes) else {
            throw BrokerError(
                .answer, .settings,
                "\(connection.address): the result of \(id) is not JSON as Celery writes it")
        }
        return result
    }

    /// Stores a result, so that the sender can wait for it, for example in Python.
    package func store(_ result: CeleryResult, for life: Duration = defaultLife) throws(BrokerError) {
        let key = try key(result.id)
        let bytes: RedisWord
        do throws(ContractViolation) {
            bytes = RedisWord(try result.stored())
        } catch {
            throw BrokerError(
                .contract, .message,
                "the result was not stored, because Celery could not read it: \(error.place) \(error.reason)")
        }
        let seconds = max(1, life.components.seconds)
        _ = try connection.commands([["SETEX", key, "\(seconds)", bytes], ["PUBLISH", key, bytes]])
    }

    private func key(_ id: String) throws(BrokerError) -> RedisWord {
        do throws(ContractViolation) {
            try MessageCheck.check(id: id, at: "the id")
        } catch {
            throw BrokerError(error)
        }
        return "\(connection.address.keyPrefix)celery-task-meta-\(id)"
    }

    package func close() { connection.close() }
}
