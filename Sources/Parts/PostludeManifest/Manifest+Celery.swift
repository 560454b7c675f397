extension Manifest {
    /// The broker to which tasks go, and whose queues `work` consumes.
    package struct Celery: Sendable, Hashable {
        package var broker: Address
        /// Where Celery keeps results; `nil` if results are not kept.
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
        package var url: String
        package var location: SourceLocation

        package init(_ url: String, location: SourceLocation) {
            self.url = url
            self.location = location
        }
    }
}
