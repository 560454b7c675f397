internal import FoundationEssentials
internal import Logging
internal import PostludeBroker
internal import PostludeSystem

/// Writes results where Celery's producers look for them.
final class ResultStore: Sendable {
    // Unchecked: a connection is taken out of the list by the thread that uses it.
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

    /// Called by the thread that has ended the task. A result that cannot be stored is logged: the work is done.
    ///
    /// - Returns: false where the store cannot be reached.
    @discardableResult
    func store(_ result: CeleryResult) -> Bool {
        do throws(BrokerError) {
            try send(result)
            return true
        } catch {
            logger.error(
                "a task's result could not be stored",
                metadata: ["id": "\(result.id)", "status": "\(result.status.text)", "error": "\(error)"])
            // What Celery cannot read would leave the caller waiting.
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
                // One that was idle may have been closed since.
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
    /// Python makes an exception of the name out of it.
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

    /// - Parameter module: Python's, which has an exception of that name.
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
