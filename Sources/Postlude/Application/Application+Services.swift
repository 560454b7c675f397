internal import Logging
internal import ServiceLifecycle

extension Application {
    /// Runs what the application's process is for after the services that it needs. They are started first, in their
    /// order, and told to stop last: they outlive the last task.
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
