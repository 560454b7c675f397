import Foundation

/// A file that the test creates to let a handler or a task continue.
enum Gate {
    struct StayedClosed: Error {
        let name: String
    }

    private static let timeLimit = 30.0

    static func wait(_ name: String?) throws {
        guard let name else { return }
        let end = Date().addingTimeInterval(timeLimit)
        while access(name, F_OK) != 0 {
            if Date() > end { throw StayedClosed(name: name) }
            usleep(1_000)
        }
    }

    static func waitAsync(_ name: String?) async throws {
        guard let name else { return }
        let end = Date().addingTimeInterval(timeLimit)
        while access(name, F_OK) != 0 {
            if Date() > end { throw StayedClosed(name: name) }
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
