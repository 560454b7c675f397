import Glibc
import PostludeSystem
import PostludeThreads
import Testing

@Suite("Cancellation")
struct CancellationTests {
    @Test("the caller does not wait for it, and requests are met in order")
    func order() async {
        let gate = Lock(false)
        let made = Lock<[Int]>([])
        Cancellation.request {
            while !gate.withLock({ $0 }) { sched_yield() }
            made.withLock { $0.append(1) }
        }
        #expect(made.withLock { $0 } == [])
        gate.withLock { $0 = true }
        await withCheckedContinuation { continuation in
            Cancellation.request {
                made.withLock { $0.append(2) }
                continuation.resume()
            }
        }
        #expect(made.withLock { $0 } == [1, 2])
    }
}
