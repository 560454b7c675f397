import Glibc
import PostludeSystem
import Testing

@testable import PostludeSupervision

@Suite("A child process")
struct ChildProcessTests {
    private func end(of script: String) throws -> ChildProcess.Exit {
        let child = try ChildProcess.start("/bin/sh", ["sh", "-c", script], inherited: [:])
        waitForInput([child.descriptor], milliseconds: 20_000)
        return try #require(child.exitIfEnded())
    }

    @Test("Its descriptor reports its end and its status")
    func ends() throws {
        #expect(try end(of: "exit 0") == .status(0))
        #expect(try end(of: "exit 42") == .status(42))
        #expect(try end(of: "kill -9 $$") == .signal(SIGKILL))
    }

    @Test("It runs until then")
    func runs() throws {
        let child = try ChildProcess.start("/bin/sleep", ["sleep", "100"], inherited: [:])
        #expect(child.exitIfEnded() == nil)
        child.send(signal: SIGTERM)
        waitForInput([child.descriptor], milliseconds: 20_000)
        #expect(child.exitIfEnded() == .signal(SIGTERM))
        #expect(child.exitIfEnded() == .signal(SIGTERM))
    }

    @Test("A file that does not exist is an error that names it")
    func absent() {
        let error = #expect(throws: SystemError.self) {
            _ = try ChildProcess.start("/nowhere/program", ["program"], inherited: [:])
        }
        #expect(error?.errno == ENOENT)
        #expect(error?.description.contains("/nowhere/program") == true)
    }

    @Test("Descriptors keep their files if their numbers are exchanged")
    func exchange() throws {
        // The numbers do not matter: the child gets each of them under the other one's number.
        let one = try SealedFile("one", Array("one".utf8))
        let two = try SealedFile("two", Array("two".utf8))
        let (a, b) = (one.descriptor, two.descriptor)
        let script = """
            [ "$(cat /proc/self/fd/\(a))" = two ] && [ "$(cat /proc/self/fd/\(b))" = one ]
            """
        let child = try ChildProcess.start("/bin/sh", ["sh", "-c", script], inherited: [a: b, b: a])
        waitForInput([child.descriptor], milliseconds: 20_000)
        #expect(child.exitIfEnded() == .status(0))
    }
}
