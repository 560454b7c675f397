internal import Foundation
internal import PostludeSpawning
internal import PostludeSupervision

/// A process of PostludeTaskStoreTestbed, which has a store open.
package final class StoreProcess {
    private let process: ChildProcess
    private let input = Pipe()
    private let output = Pipe()
    private let failures = Pipe()
    private var taken = Data()

    private static let program: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: executable).deletingLastPathComponent().path + "/PostludeTaskStoreTestbed"
    }()

    /// - Parameters:
    ///   - command: what it does with the store.
    ///   - place: where the store is; nil for the fixture's.
    ///   - arguments: the command's.
    ///   - user: the user that it runs as, if the test runs as root.
    ///   - namespace: the network namespace in which it runs; nil for the test's own.
    package init(
        _ command: String, _ fixture: any RecordStoreFixture, at place: String? = nil,
        _ arguments: [String] = [],
        environment: [String: String] = [:], as user: String? = nil, in namespace: String? = nil
    ) throws {
        var words = [Self.program, command, fixture.kind.rawValue, place ?? fixture.place] + arguments
        if let user, geteuid() == 0 {
            words = ["/usr/bin/setpriv", "--reuid", user, "--clear-groups"] + words
        }
        if let namespace { words = ["ip", "netns", "exec", namespace] + words }
        process = try Program(words[0], Array(words.dropFirst()), environment: environment).start(
            input: input.fileHandleForReading.fileDescriptor,
            output: output.fileHandleForWriting.fileDescriptor,
            errors: failures.fileHandleForWriting.fileDescriptor)
        try input.fileHandleForReading.close()
        try output.fileHandleForWriting.close()
        try failures.fileHandleForWriting.close()
    }

    deinit { process.kill() }

    /// The next line of its output; nil at the end.
    package func line() -> String? {
        while true {
            if let end = taken.firstIndex(of: UInt8(ascii: "\n")) {
                defer { taken.removeSubrange(...end) }
                return String(decoding: taken[..<end], as: UTF8.self)
            }
            let bytes = output.fileHandleForReading.availableData
            if bytes.isEmpty { return nil }
            taken += bytes
        }
    }

    /// Ends its input, for which it waits.
    package func begin() throws { try input.fileHandleForWriting.close() }

    package func lines() -> [String] {
        var lines: [String] = []
        while let line = line() { lines.append(line) }
        return lines
    }

    package func die() { process.kill() }

    /// - Returns: its exit status; -1 after a signal.
    package func finish() -> Int32 {
        guard case .status(let status) = process.waitForExit() else { return -1 }
        return status
    }

    /// Returns what it has written to standard error, when it has ended.
    package func errors() throws -> String {
        String(decoding: try failures.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }
}
