import Foundation

/// A folder of one test's own; removed when the test has ended.
final class Folder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/postlude-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Unexpected("mkdtemp: errno \(errno)") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: file(name), atomically: false, encoding: .utf8)
    }

    func text(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: file(name)) ?? Data(), as: UTF8.self)
    }

    /// Whole lines only.
    func lines(_ name: String) -> [String] {
        text(name).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
}

struct Unexpected: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Looks again every few milliseconds until `probe` finds what it looks for, and throws when the time is over.
func eventually<T>(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(60), _ probe: () throws -> T?
) throws -> T {
    let end = ContinuousClock.now + limit
    while true {
        if let found = try probe() { return found }
        guard ContinuousClock.now < end else { throw Unexpected("not within \(limit): \(what())") }
        usleep(5_000)
    }
}

func waitUntil(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(60), _ condition: () throws -> Bool
) throws {
    try eventually(what(), within: limit) { try condition() ? () : nil }
}
