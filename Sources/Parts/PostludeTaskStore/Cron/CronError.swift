/// A mistake in a cron expression.
package struct CronError: Error, Sendable, Equatable, CustomStringConvertible {
    package let text: String
    /// Where in the text, from 1.
    package let column: Int
    package let found: String
    package let expected: String

    package var description: String { "\"\(text)\", column \(column): \(found); expected \(expected)" }
}
