extension RoutePattern {
    /// A mistake in a pattern's text.
    package struct SyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
        /// Where it is, in characters of the text, from 0.
        package let offset: Int
        /// What was found and what was expected.
        package let message: String

        package init(offset: Int, message: String) {
            self.offset = offset
            self.message = message
        }

        package var description: String { "at character \(offset): \(message)" }
    }
}

extension RoutePattern.SyntaxError {
    /// - Parameter scalarOffset: in Unicode scalars, by which patterns are parsed
    init(in text: [Unicode.Scalar], at scalarOffset: Int, _ message: String) {
        var before = String.UnicodeScalarView()
        before.append(contentsOf: text.prefix(scalarOffset))
        self.init(offset: String(before).count, message: message)
    }
}
