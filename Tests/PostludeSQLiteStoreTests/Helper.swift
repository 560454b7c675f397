import Foundation
import PostludeSpawning
import PostludeSupervision
import Testing

/// A process of PostludeTaskStoreTestbed.
final class Helper {
    private let process: ChildProcess
    private let input = Pipe()
    private let output = Pipe()
    private let failures = Pipe()
    private var taken = Data()

    static let program: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: executable).deletingLastPathComponent().path + "/PostludeTaskStoreTestbed"
    }()

    /// - Parameter user: the user that it runs as, if the test runs as root.
    init(_ arguments: [String], environment: [String: String] = [:], as user: String? = nil) throws {
        var words = [Self.program] + arguments
        if let user, geteuid() == 0 {
            words = ["/usr/bin/setpriv", "--reuid", user, "--clear-groups"] + words
        }
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

    /// Ends its input, for which it waits.
    func begin() throws { try input.fileHandleForWriting.close() }

    func lines() -> [String] {
        var lines: [String] = []
        while let line = line() { lines.append(line) }
        return lines
    }

    func die() { process.kill() }

    /// Expects that it ends by itself, successfully.
    func expectSuccess() throws {
        let said = try failures.fileHandleForReading.readToEnd() ?? Data()
        #expect(finish() == 0, "\(String(decoding: said, as: UTF8.self))")
    }

    /// - Returns: its exit status; -1 after a signal.
    func finish() -> Int32 {
        guard case .status(let status) = process.waitForExit() else { return -1 }
        return status
    }

    /// Its output when it ends with an error.
    func errors() throws -> String {
        let data = try failures.fileHandleForReading.readToEnd() ?? Data()
        #expect(finish() != 0)
        return String(decoding: data, as: UTF8.self)
    }
}

/// A library that intercepts a helper's calls to the libraries it is linked with.
enum Interposer {
    static func compile(_ source: String, to library: String, linking libraries: String...) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Interpose/"
        let compiler = Program(
            "gcc",
            ["-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", library, folder + source] + libraries)
        try #require(try compiler.run() == .status(0))
    }
}
