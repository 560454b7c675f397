import Foundation
import Logging
import Postlude
import ServiceLifecycle
import UnixSignals

/// Serves ``Lifecycle`` by itself, or (with `GROUP` in the environment) as one service of a group of its own.
@main
enum Program {
    static func main() async throws {
        guard ProcessInfo.processInfo.environment["GROUP"] != nil else { return await Lifecycle.main() }
        let group = ServiceGroup(
            services: [Database(), ApplicationService(Lifecycle())], gracefulShutdownSignals: [.sigterm],
            logger: Logger(label: "group"))
        try await group.run()
    }
}
