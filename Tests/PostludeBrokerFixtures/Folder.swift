import Foundation

/// A test's own folder, removed when the test ends.
package final class Folder: Sendable {
    package let path: String

    package init() throws {
        var template = Array("/tmp/postlude-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Unexpected("mkdtemp: errno \(errno)") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func file(_ name: String) -> String { path + "/" + name }

    package func write(_ name: String, _ text: String) throws {
        try text.write(toFile: file(name), atomically: false, encoding: .utf8)
    }

    package func text(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: file(name)) ?? Data(), as: UTF8.self)
    }

    /// Returns complete lines only.
    package func lines(_ name: String) -> [String] {
        text(name).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
}

package struct Unexpected: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// Calls `probe` every few milliseconds until it returns a value, and throws when the time has run out.
package func eventually<T>(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(60), _ probe: () throws -> T?
) throws -> T {
    let end = ContinuousClock.now + limit
    while true {
        if let found = try probe() { return found }
        guard ContinuousClock.now < end else { throw Unexpected("not within \(limit): \(what())") }
        usleep(5_000)
    }
}

package func waitUntil(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(60), _ condition: () throws -> Bool
) throws {
    try eventually(what(), within: limit) { try condition() ? () : nil }
}
