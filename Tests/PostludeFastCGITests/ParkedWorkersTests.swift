import PostludeSystem
import Testing

@testable import PostludeFastCGI

@Suite("Parked workers")
struct ParkedWorkersTests {
    private let workers = ParkedWorkers()

    /// A worker on a thread of its own, which can be called when it is made.
    private final class Worker: Sendable {
        private let outcome: Outcome
        private let thread: TestThread

        private final class Outcome: Sendable {
            let value = Lock<ParkedWorkers.Outcome?>(nil)
        }

        init(in workers: ParkedWorkers) throws {
            let canBeCalled = try EventDescriptor()
            let outcome = Outcome()
            self.outcome = outcome
            thread = try TestThread {
                let result = workers.park(until: nil) {
                    canBeCalled.signal()
                    return false
                }
                outcome.value.withLock { $0 = result }
            }
            waitForInput([canBeCalled.descriptor], milliseconds: 60_000)
        }

        /// Waits until it is not parked any more.
        func end() -> ParkedWorkers.Outcome? {
            thread.join()
            return outcome.value.withLock { $0 }
        }
    }

    @Test("A call wakes the worker that has parked last, and no other one")
    func call() throws {
        let parked = try (0..<4).map { _ in try Worker(in: workers) }
        #expect(workers.count == 4)
        for left in [3, 2, 1] {
            workers.call()
            #expect(parked[left].end() == .called)
            #expect(workers.count == left)
        }
        workers.stop()
        #expect(parked[0].end() == .stopped)
    }

    @Test("All workers end when they are to stop, and none parks after that")
    func stop() throws {
        let parked = try (0..<4).map { _ in try Worker(in: workers) }
        workers.stop()
        for worker in parked { #expect(worker.end() == .stopped) }
        #expect(workers.park(until: nil) { false } == .stopped)
        #expect(workers.count == 0)
    }

    @Test("Parking ends at its time, and a later call wakes another worker")
    func time() throws {
        let other = try Worker(in: workers)
        #expect(workers.park(until: .now) { false } == .nothing)
        workers.call()
        #expect(other.end() == .called)
    }

    @Test("A worker that is needed already does not wait, and a call for it is not lost")
    func needed() {
        #expect(workers.park(until: nil) { true } == .called)
        let outcome = workers.park(until: nil) {
            workers.call()
            return true
        }
        #expect(outcome == .called)
        // The call was taken: the next worker waits.
        #expect(workers.park(until: .now) { false } == .nothing)
    }

    @Test("A call without a parked worker does nothing")
    func none() {
        workers.call()
        #expect(workers.park(until: .now) { false } == .nothing)
    }

    @Test("Each call wakes a worker, also if several threads call and park at the same time")
    func manyThreads() throws {
        let rounds = 2000
        let threads = try (0..<4).map { _ in
            try TestThread { [workers] in
                for _ in 0..<rounds { #expect(workers.park(until: nil) { false } == .called) }
            }
        }
        let isOver = try EventDescriptor()
        let caller = try TestThread { [workers] in
            while !isOver.take() { workers.call() }
        }
        for thread in threads { thread.join() }
        isOver.signal()
        caller.join()
        #expect(workers.count == 0)
    }
}
