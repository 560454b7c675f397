internal import FoundationEssentials
internal import Logging
internal import PostludeBroker
internal import PostludeSystem

/// Stores results in the database from which Celery's producers read them.
final class ResultStore: Sendable {
    // Unchecked, because a thread removes a connection from the list before it uses it.
    private struct Idle: @unchecked Sendable {
        let connection: RedisResults
    }

    private let address: BrokerAddress
    private let logger: Logger
    private let idle = Lock<[Idle]>([])

    init(_ address: BrokerAddress, logger: Logger) {
        self.address = address
        self.logger = logger
    }

    /// Stores a result, on the thread that has ended the task. Logs a failure, which does not affect the task.
    ///
    /// - Returns: `false` if the store cannot be reached.
    @discardableResult
    func store(_ result: CeleryResult) -> Bool {
        do throws(BrokerError) {
            try send(result)
            return true
        } catch {
            logger.error(
                "a task's result could not be stored",
                metadata: ["id": "\(result.id)", "status": "\(result.status.text)", "error": "\(error)"])
            // If Celery cannot read the result, a failure is stored instead, so that the caller does not wait for it.
            guard error.remedy == .message, result.failure == nil else { return error.remedy == .message }
            return store(
                .failed(
                    result.id, type: "EncodeError", in: "kombu.exceptions",
                    message: "the task has succeeded, but \(error)"))
        }
    }

    private func send(_ result: CeleryResult) throws(BrokerError) {
        if let connection = idle.withLock({ $0.popLast() })?.connection, !connection.isClosed {
            do throws(BrokerError) {
                try connection.store(result)
                return keep(connection)
            } catch {
                // An idle connection may have been closed. Another one is opened then.
                guard connection.isClosed else {
                    keep(connection)
                    throw error
                }
            }
        }
        let connection = try RedisResults(address)
        try connection.store(result)
        keep(connection)
    }

    private func keep(_ connection: RedisResults) {
        idle.withLock { $0.append(Idle(connection: connection)) }
    }
}

extension CeleryResult {
    /// The module of the exception class that Python makes for a failure.
    private static let module = "postlude"

    private static var now: String? { CeleryTime.text(Date()) }

    static func done(_ id: String, result: Data?) -> CeleryResult {
        CeleryResult(
            id: id, status: .success, result: result.map { String(decoding: $0, as: UTF8.self) },
            dateDone: now)
    }

    static func failed(_ id: String, _ error: any Error) -> CeleryResult {
        failed(id, type: "\(type(of: error))", message: String("\(error)".prefix(4000)))
    }

    /// - Parameter module: the Python module of the exception class.
    static func failed(
        _ id: String, type: String, in module: String = Self.module, message: String
    ) -> CeleryResult {
        CeleryResult(
            id: id, status: .failure, failure: Failure(type: type, message: message, module: module),
            dateDone: now)
    }

    static func expired(_ id: String) -> CeleryResult {
        CeleryResult(
            id: id, status: .revoked,
            failure: Failure(type: "TaskRevokedError", message: "expired", module: "celery.exceptions"),
            dateDone: now)
    }
}
