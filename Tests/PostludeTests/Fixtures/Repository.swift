import Foundation
import Testing

/// The repository that has these tests, for tests that hold its pages to its sources.
enum Repository {
    private static let root = (0..<4).reduce(URL(filePath: #filePath)) { url, _ in
        url.deletingLastPathComponent()
    }

    /// - Parameter path: from the repository's folder on, as everywhere here.
    static func url(_ path: String) -> URL { root.appending(path: path) }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: url(path), encoding: .utf8)
    }

    /// - Returns: the paths below a folder, from there.
    static func paths(below folder: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: url(folder).path)
    }

    /// - Parameter name: an article's of Postlude, without the extension.
    static func article(_ name: String) throws -> String {
        try text("Sources/Postlude/Postlude.docc/\(name).md")
    }

    /// - Returns: the cells of each row of the page's table whose header begins with `first`.
    static func table(_ first: String, in page: String) throws -> [[String]] {
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix("| \(first) |") }, "a table \(first)")
        return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// - Returns: the names in backquotes, outside of blocks of code.
    static func names(in text: String) -> [String] {
        text.replacing(#/(?s)```.*?```/#, with: "").matches(of: #/`([^`]+)`/#).map { String($0.1) }
    }
}
