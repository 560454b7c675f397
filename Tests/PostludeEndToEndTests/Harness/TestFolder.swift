import Foundation

/// A test's own folder, which nginx's worker can enter; removed when the test ends.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/postlude-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard chmod(path, 0o755) == 0 else { throw SystemCallError("chmod") }
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { path + "/" + name }

    func write(_ name: String, _ text: String) throws {
        try text.write(toFile: file(name), atomically: false, encoding: .utf8)
    }

    /// Makes a program: a copy of the file at a path, written by a process of its own. Otherwise another test
    /// that starts a process at that moment would pass on the open file, and the program could not be
    /// started.
    func install(_ path: String, as name: String) throws {
        let copying = try Command("install", [path, file(name)], in: self)
        guard copying.exit == .status(0) else { throw SystemCallError("install \(path): \(copying.errors)") }
    }

    /// Makes a program of a script.
    func writeProgram(_ name: String, _ script: String) throws {
        try write(name + ".script", script)
        try install(file(name + ".script"), as: name)
    }

    /// The file's text; nil if the file does not exist yet.
    func text(_ name: String) -> String {
        guard let data = FileManager.default.contents(atPath: file(name)) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

    /// Opens the gate for which a handler or a task of the testbed waits.
    func open(gate name: String) throws { try write(name, "") }

    /// The complete lines that the testbed's tasks have written.
    func events(_ name: String = "events") -> [String] {
        let text = text(name)
        return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// Waits until the log has `count` lines.
    func events(
        _ name: String = "events", reaches count: Int, within limit: Duration = .eventLimit
    ) throws -> [String] {
        try eventually("\(count) lines in \(name), which holds \(events(name))", within: limit) {
            let lines = events(name)
            return lines.count >= count ? lines : nil
        }
    }
}
