extension Manifest {
    /// The broker to which tasks go, and whose queues `work` consumes.
    package struct Celery: Sendable, Hashable {
        package var broker: Address
        /// Where Celery keeps results; `nil` where nobody looks for them.
        package var results: Address?
        /// Where the mapping begins in the file.
        package var location: SourceLocation

        package init(broker: Address, results: Address? = nil, location: SourceLocation) {
            self.broker = broker
            self.results = results
            self.location = location
        }
    }

    /// A broker's URL. It may hold a password: what prints it must not show that.
    package struct Address: Sendable, Hashable {
        package enum Source: Sendable, Hashable {
            case url(String)
            /// The variable that holds it.
            case environment(String)
        }

        package var source: Source
        package var location: SourceLocation

        package init(_ source: Source, location: SourceLocation) {
            self.source = source
            self.location = location
        }

        /// - Returns: `nil` where the variable is not set, or empty.
        package func url(from environment: [String: String] = ProcessEnvironment.variables) -> String? {
            switch source {
            case .url(let url): url
            case .environment(let name): environment[name].flatMap { $0.isEmpty ? nil : $0 }
            }
        }
    }
}
