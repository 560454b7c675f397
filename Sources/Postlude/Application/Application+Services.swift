internal import Logging
internal import ServiceLifecycle

extension Application {
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
