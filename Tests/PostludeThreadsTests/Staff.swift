import Dispatch
import PostludeThreads
import Synchronization

/// A pool whose workers do nothing until they are dismissed.
final class Staff: Sendable {
    let threads = Record<UInt>()
    let executors = Record<ObjectIdentifier>()
    /// The threads on which `onEmpty` was called.
    let emptied = Record<UInt>()
    let pool: WorkerPool
    private let arrivals: DispatchSemaphore
    private let exit: DispatchSemaphore
    private let ends: DispatchSemaphore
    /// How many workers may report at their end that the pool has retired them.
    private let retired: Retirements

    private final class Retirements: Sendable {
        let count = Atomic<Int>(0)

        func take() -> Bool {
            let left = count.subtract(1, ordering: .sequentiallyConsistent).newValue
            if left < 0 { count.add(1, ordering: .sequentiallyConsistent) }
            return left >= 0
        }
    }

    init(_ bounds: WorkerPool.Bounds) {
        let (arrivals, exit, ends) = (
            DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
        )
        (self.arrivals, self.exit, self.ends) = (arrivals, exit, ends)
        let retired = Retirements()
        self.retired = retired
        pool = WorkerPool(bounds: bounds) { [emptied] in
            emptied.append(currentThread())
            ends.signal()
        } body: { [threads, executors] _, executor in
            threads.append(currentThread())
            executors.append(ObjectIdentifier(executor))
            arrivals.signal()
            exit.wait()
            // For the next worker.
            exit.signal()
            return retired.take()
        }
    }

    /// Asks the pool to retire one worker, as an idle one would.
    func retire() -> Bool {
        guard pool.retire() else { return false }
        retired.count.add(1, ordering: .sequentiallyConsistent)
        return true
    }

    /// Blocks until `count` more workers have begun.
    func awaitArrivals(_ count: Int) {
        for _ in 0..<count { arrivals.wait() }
    }

    /// Ends all workers, and waits for the last one.
    func dismiss() async throws {
        try await onThread { [exit, ends] in
            exit.signal()
            ends.wait()
            // Closes the exit again.
            exit.wait()
        }
    }
}
