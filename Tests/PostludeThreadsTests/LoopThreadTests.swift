import PostludeSystem
import Testing

@testable import PostludeThreads

@Suite("LoopThread")
struct LoopThreadTests {
    @Test("It works when it is woken, and ends when it is told to", .timeLimit(.minutes(10)))
    func wakes() throws {
        let thread = try LoopThread(name: "loop")
        let worked = try EventDescriptor()
        try thread.start {
            while !thread.isStopping {
                worked.signal()
                thread.wait(atMost: .seconds(600))
            }
        }
        for _ in 1...3 {
            waitForInput([worked.descriptor], milliseconds: -1)
            worked.take()
            thread.wake()
        }
        thread.stop()
        #expect(thread.isStopping)
        thread.stop()
    }

    @Test("A thread that does not end is left to the process's end", .timeLimit(.minutes(10)))
    func leftRunning() throws {
        let thread = try LoopThread(name: "loop")
        let gate = try EventDescriptor()
        let ended = try EventDescriptor()
        try thread.start {
            waitForInput([gate.descriptor], milliseconds: -1)
            ended.signal()
        }
        thread.stop(timeout: .milliseconds(1))
        #expect(!ended.take())
        gate.signal()
        waitForInput([ended.descriptor], milliseconds: -1)
        #expect(ended.take())
    }

    @Test("A thread that was not started stops at once") func unstarted() throws {
        try LoopThread(name: "loop").stop()
    }
}
