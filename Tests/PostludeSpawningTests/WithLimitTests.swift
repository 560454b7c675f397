import Foundation
import PostludeSpawning
import PostludeSupervision
import Testing

@Suite("Tests/with-limit") struct WithLimitTests {
    private static let script: String = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return folder.path + "/with-limit"
    }()

    /// A folder for a command's output.
    private final class Folder {
        let path = NSTemporaryDirectory() + "postlude-limit-\(UUID().uuidString)"
        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        deinit { try? FileManager.default.removeItem(atPath: path) }
        func text(_ name: String) -> String {
            String(decoding: FileManager.default.contents(atPath: path + "/" + name) ?? Data(), as: UTF8.self)
        }
    }

    @Test("A command that ends in time has its own input, output and status")
    func inTime() throws {
        let (input, output) = (Pipe(), Pipe())
        let child = try Program(
            Self.script, ["600", "sh", "-c", "cat; echo \"$1\" >&2; exit 3", "sh", "x y"]
        ).start(
            input: input.fileHandleForReading.fileDescriptor,
            output: output.fileHandleForWriting.fileDescriptor,
            errors: output.fileHandleForWriting.fileDescriptor)
        try output.fileHandleForWriting.close()
        try input.fileHandleForWriting.write(contentsOf: Data("in\n".utf8))
        try input.fileHandleForWriting.close()
        // Processes that it has started do not hold the output open.
        let said = try output.fileHandleForReading.readToEnd() ?? Data()
        #expect(String(decoding: said, as: UTF8.self) == "in\nx y\n")
        #expect(child.waitForExit() == .status(3))
    }

    @Test(
        "A command that does not end is shown with its threads' stacks, and killed with all processes that it has started"
    )
    func late() throws {
        let folder = try Folder()
        let other = try Program("sleep", ["1000"]).start(
            output: folder.path + "/none", errors: folder.path + "/none")
        defer { other.kill() }
        // A child, one that has left its parent and its session, a subshell, and a waiting program in Swift.
        let command = """
            echo $$ >> pids
            sleep 1001 & echo $! >> pids
            (setsid sleep 1002 & echo $! >> pids)
            (sleep 1003; true) & echo $! >> pids
            mkfifo input; exec 7<>input
            "$0" hold sqliteFile "$PWD/a.sqlite" <input &
            echo $! >> pids
            wait
            """
        let child = try Program(
            Self.script, ["20", "bash", "-c", command, Self.testbed], directory: folder.path
        ).start(
            output: folder.path + "/out", errors: folder.path + "/err")
        #expect(child.waitForExit() == .status(124))
        let errors = folder.text("err")
        #expect(errors.contains("Not finished after 20 s: bash -c"))
        for part in [
            ": sleep 1001", ": sleep 1002", ": sleep 1003", "PostludeTaskStoreTestbed hold", "thread ",
        ] {
            #expect(errors.contains(part), "\(part) in \(errors)")
        }
        #expect(errors.contains("TaskStoreTestbed.main"), "install gdb or elfutils for the stacks: \(errors)")
        let pids = folder.text("pids").split(separator: "\n").compactMap { Int32($0) }
        #expect(pids.count == 5)
        for pid in pids { #expect(!Self.runs(pid), "process \(pid) still runs") }
        #expect(other.exitIfEnded() == nil)
    }

    @Test("A missing command and an invalid limit are errors")
    func wrong() throws {
        let folder = try Folder()
        func status(_ words: [String]) throws -> ChildProcess.Exit {
            try Program(Self.script, words).start(output: folder.path + "/out", errors: folder.path + "/err")
                .waitForExit()
        }
        #expect(try status(["60", "/nowhere/program"]) == .status(127))
        for words in [[], ["60"], ["0", "true"], ["soon", "true"], ["-1", "true"]] {
            #expect(try status(words) == .status(2))
        }
        #expect(folder.text("err").contains("usage: Tests/with-limit SECONDS COMMAND"))
    }

    /// Whether it is alive. A process that has ended may still wait for its new parent.
    private static func runs(_ pid: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else {
            return false
        }
        return !status.contains("State:\tZ")
    }

    private static let testbed: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: executable).deletingLastPathComponent().path + "/PostludeTaskStoreTestbed"
    }()
}
