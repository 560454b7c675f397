import Foundation

/// A condition that was not reached in its time.
struct TimedOut: Error, CustomStringConvertible {
    let description: String
}

/// Looks again every two milliseconds until `probe` finds what it looks for, and throws when the time is over.
func eventually<T>(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(15), _ probe: () throws -> T?
) throws -> T {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while true {
        if let found = try probe() { return found }
        if clock.now >= end { throw TimedOut(description: "not within \(limit): \(what())") }
        usleep(2_000)
    }
}

/// The same for a condition without a result.
func waitUntil(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(15), _ condition: () throws -> Bool
) throws {
    try eventually(what(), within: limit) { try condition() ? () : nil }
}
