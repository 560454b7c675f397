/// One mistake in a manifest: where it is, what was found and what was expected.
package struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    package let location: SourceLocation
    package let message: String

    package init(location: SourceLocation, message: String) {
        self.location = location
        self.message = message
    }

    /// `routes.yaml:12:9: message`
    package var description: String { "\(location): \(message)" }
}
