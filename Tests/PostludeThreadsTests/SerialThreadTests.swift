import PostludeSystem
import PostludeThreads
import Testing

@Suite("SerialThread")
struct SerialThreadTests {
    private struct Refused: Error {}

    @Test("Functions run one after another on one thread, in order")
    func order() async throws {
        let thread = try SerialThread(name: "serial-test")
        let seen = Seen()
        for number in 0..<100 {
            thread.enqueue {
                seen.numbers.withLock { $0.append(number) }
                seen.names.withLock { _ = $0.insert(threadName) }
            }
        }
        let last = try await thread.run { threadName }
        #expect(last == "serial-test")
        #expect(seen.numbers.withLock { $0 } == Array(0..<100))
        #expect(seen.names.withLock { $0 } == ["serial-test"])
    }

    private final class Seen: Sendable {
        let numbers = Lock<[Int]>([])
        let names = Lock<Set<String>>([])
    }

    @Test("An error that a function throws reaches the caller, and the thread continues")
    func errors() async throws {
        let thread = try SerialThread(name: "serial-test")
        await #expect(throws: Refused.self) { try await thread.run { throw Refused() } }
        #expect(try await thread.run { 1 } == 1)
    }
}
