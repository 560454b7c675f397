import Foundation
import Testing

/// A process of JournalTestbed.
final class Helper {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let failures = Pipe()
    private var taken = Data()

    static let program: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: executable).deletingLastPathComponent().path + "/JournalTestbed"
    }()

    /// - Parameter user: whom it runs as, where the test runs as root.
    init(_ arguments: [String], environment: [String: String] = [:], as user: String? = nil) throws {
        var words = [Self.program] + arguments
        if let user, geteuid() == 0 {
            words = ["/usr/bin/setpriv", "--reuid", user, "--clear-groups"] + words
        }
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = failures
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// The next line that it writes; nil at the end.
    func line() -> String? {
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

    /// Ends its input, which is what it waits for.
    func begin() throws { try input.fileHandleForWriting.close() }

    func lines() -> [String] {
        var lines: [String] = []
        while let line = line() { lines.append(line) }
        return lines
    }

    func die() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    func finish() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    /// What it says when it ends with an error.
    func errors() throws -> String {
        let data = try failures.fileHandleForReading.readToEnd() ?? Data()
        #expect(finish() != 0)
        return String(decoding: data, as: UTF8.self)
    }
}
