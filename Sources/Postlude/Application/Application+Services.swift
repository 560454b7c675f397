internal import Logging
internal import PostludeLogOutput
internal import ServiceLifecycle

extension Application {
    /// Starts the application, runs `body`, and stops the application, also if `body` has thrown.
    ///
    /// - Parameters:
    ///   - logger: logs an error of ``stop()``, which does not change the result.
    ///   - body: returns the exit status.
    ///   - onShutdown: ends `body`; called when the service group shuts down, or the task is cancelled.
    /// - Throws: the errors of ``start()`` and `body`.
    func runBetweenStartAndStop(
        logger: Logger, _ body: () async throws -> Int32, onShutdown: @escaping @Sendable () -> Void
    ) async throws -> Int32 {
        try await start()
        let outcome: Result<Int32, any Error>
        do {
            outcome = .success(
                try await withTaskCancellationHandler {
                    try await withGracefulShutdownHandler(operation: body, onGracefulShutdown: onShutdown)
                } onCancel: {
                    onShutdown()
                })
        } catch {
            outcome = .failure(error)
        }
        do {
            try await stop()
        } catch {
            logger.error(
                "the application did not stop cleanly", metadata: ["error": "\(LoggedError.text(error))"])
        }
        return try outcome.get()
    }

    /// Runs `service` together with the application's services. These are started first, in order, and stopped last, so
    /// that they outlive the last task.
    func runServices(before service: some Service, logger: Logger) async throws {
        let services = services
        guard !services.isEmpty else { return try await service.run() }
        typealias Configuration = ServiceGroupConfiguration.ServiceConfiguration
        let group = ServiceGroup(
            configuration: .init(
                services: services.map { Configuration(service: $0) } + [
                    Configuration(
                        service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                ], logger: logger))
        try await group.run()
    }
}
