import Foundation
import PostludeSpawning
import PostludeSupervision
import Testing

@Suite("A program that a test starts") struct ProgramTests {
    @Test("It has the descriptors that are named for it, and none of another test's")
    func descriptors() throws {
        // As another test may have them open: not closed on exec.
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let output = Pipe()
        let child = try Program("ls", ["/proc/self/fd"]).start(
            output: output.fileHandleForWriting.fileDescriptor, errors: 2)
        try output.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        #expect(child.waitForExit() == .status(0))
        // 3 is the folder, which ls itself has opened.
        #expect(String(decoding: data, as: UTF8.self) == "0\n1\n2\n3\n")
    }

    @Test("A pipe ends with its program, even while a program that was started later runs")
    func pipeEnds() throws {
        let input = Pipe()
        let (first, second) = (Pipe(), Pipe())
        let reader = input.fileHandleForReading.fileDescriptor
        let one = try Program("cat").start(
            input: reader, output: first.fileHandleForWriting.fileDescriptor, errors: 2)
        let other = try Program("sleep", ["1000"]).start(
            output: second.fileHandleForWriting.fileDescriptor, errors: 2)
        defer { other.kill() }
        try first.fileHandleForWriting.close()
        try input.fileHandleForReading.close()
        try input.fileHandleForWriting.write(contentsOf: Data("a".utf8))
        try input.fileHandleForWriting.close()
        #expect(try first.fileHandleForReading.readToEnd() == Data("a".utf8))
        #expect(one.waitForExit() == .status(0))
        #expect(other.exitIfEnded() == nil)
    }

    @Test("Its folder, variables and arguments are as given")
    func environment() throws {
        let folder = NSTemporaryDirectory() + "postlude-program-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = #"echo "$PWD $A $1"; echo to errors >&2"#
        let program = Program(
            "sh", ["-c", script, "sh", "x y"], environment: ["A": "a = b"], directory: folder)
        let child = try program.start(output: folder + "/out", errors: folder + "/err")
        #expect(child.waitForExit() == .status(0))
        #expect(try String(contentsOfFile: folder + "/out", encoding: .utf8) == "\(folder) a = b x y\n")
        #expect(try String(contentsOfFile: folder + "/err", encoding: .utf8) == "to errors\n")
    }
}
