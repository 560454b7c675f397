import Foundation

/// A condition that was not met in time.
struct TimedOut: Error, CustomStringConvertible {
    let description: String
}

extension Duration {
    /// How long a test waits for an event that must come. Compilers may run beside the tests and make all of
    /// them slow, so this is much longer than any event takes.
    static let eventLimit: Duration = .seconds(60)
}

/// Calls `probe` every two milliseconds until it returns a value, and throws when the time has run out.
func eventually<T>(
    _ what: @autoclosure () -> String, within limit: Duration = .eventLimit, _ probe: () throws -> T?
) throws -> T {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while true {
        if let found = try probe() { return found }
        if clock.now >= end { throw TimedOut(description: "not within \(limit): \(what())") }
        usleep(2_000)
    }
}

/// Waits for a condition without a result.
func waitUntil(
    _ what: @autoclosure () -> String, within limit: Duration = .eventLimit, _ condition: () throws -> Bool
) throws {
    try eventually(what(), within: limit) { try condition() ? () : nil }
}
