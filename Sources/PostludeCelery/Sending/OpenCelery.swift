internal import FoundationEssentials
internal import Postlude
internal import PostludeBroker
internal import PostludeDurable
internal import PostludeManifest

/// An invalid address in the manifest.
struct AddressMistake: Error, CustomStringConvertible {
    let location: SourceLocation
    let description: String
}

/// The manifest's broker and result store, with parsed addresses.
struct OpenCelery: OpenTaskBroker {
    let broker: BrokerAddress
    /// The address of the result store; `nil` if results are not kept.
    let results: BrokerAddress?

    init(_ celery: Manifest.Celery) throws(AddressMistake) {
        broker = try Self.address(celery.broker)
        guard let address = celery.results else {
            results = nil
            return
        }
        let results = try Self.address(address)
        guard results.kind == .redis else {
            throw AddressMistake(
                location: address.location,
                description: "`results` is \(results), expected a Redis URL such as redis://localhost:6379/1")
        }
        self.results = results
    }

    private static func address(_ address: Manifest.Address) throws(AddressMistake) -> BrokerAddress {
        do throws(BrokerError) {
            return try BrokerAddress(address.url)
        } catch {
            throw AddressMistake(location: address.location, description: error.description)
        }
    }

    var name: String { broker.description }

    func check(_ task: OutgoingTask, for queue: String) throws {
        let message = try CeleryMessage(task)
        do throws(ContractViolation) {
            switch broker.kind {
            case .rabbitMQ: try message.amqpMessage(to: queue).check()
            case .redis:
                try message.redisMessage(to: queue, keyPrefix: broker.keyPrefix).check(
                    keyPrefix: broker.keyPrefix)
            }
        } catch {
            throw TaskBrokerError(error)
        }
    }

    func connect() throws(TaskBrokerError) -> any TaskBrokerConnection {
        do throws(BrokerError) {
            return CeleryConnection(try broker.broker.publisher())
        } catch {
            throw TaskBrokerError(error)
        }
    }

    func result(of id: String) throws -> TaskBrokerResult? {
        guard let results else { return nil }
        let connection = try RedisResults(results)
        defer { connection.close() }
        return TaskBrokerResult(try connection.result(of: id))
    }
}

extension TaskBrokerResult {
    /// Returns `nil` if Celery has no result of the task, or has not begun it.
    init?(_ result: CeleryResult) {
        let value = result.result.map { Data($0.utf8) }
        switch result.status {
        case .pending: return nil
        case .received, .started, .retry, .other: self.init(.running)
        case .success: self.init(.done, result: value)
        case .failure: self.init(.failed, error: Self.text(result.failure))
        case .revoked: self.init(.dropped, error: Self.text(result.failure))
        }
    }

    private static func text(_ failure: CeleryResult.Failure?) -> String? {
        failure.map { $0.message.isEmpty ? $0.type : "\($0.type): \($0.message)" }
    }
}

/// A connection that publishes the records of the outbox.
final class CeleryConnection: TaskBrokerConnection {
    private let publisher: any CeleryPublisher

    init(_ publisher: any CeleryPublisher) { self.publisher = publisher }

    var isClosed: Bool { publisher.isClosed }

    func publish(_ task: OutgoingTask, to queue: String) throws(TaskBrokerError) {
        let message = try CeleryMessage(task)
        try translated { () throws(BrokerError) in try publisher.publish(message, to: queue) }
    }

    func keepAlive() throws(TaskBrokerError) {
        try translated { () throws(BrokerError) in try publisher.keepAlive() }
    }

    private func translated(_ body: () throws(BrokerError) -> Void) throws(TaskBrokerError) {
        do throws(BrokerError) {
            try body()
        } catch {
            throw TaskBrokerError(error)
        }
    }

    func close() { publisher.close() }
}
