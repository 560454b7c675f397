internal import Glibc
internal import PostludeSystem

/// The queues that wait for a crew's worker, and those whose time has not come.
// Unchecked: what varies is touched under `mutex` only. Synchronization's Mutex cannot be waited on with a condition.
final class BlockingTaskQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var ready = FIFO<TaskQueue>()
    private var resting = DelayedQueues()
    private var isClosed = false

    init() {
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// - Parameter time: before which nobody takes it; nil for at once.
    /// - Returns: false when the line is closed.
    func add(_ queue: TaskQueue, until time: MonotonicTime? = nil) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard !isClosed else { return false }
        if let time { resting.add(queue, until: time) } else { ready.append(queue) }
        // Also for one that rests: whoever waits must know until when.
        pthread_cond_signal(condition)
        return true
    }

    /// Whether it is closed.
    var isOver: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return isClosed
    }

    /// Waits for the next one.
    ///
    /// - Returns: nil when the line is closed.
    func next() -> TaskQueue? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !isClosed {
            let now = MonotonicTime.now
            for queue in resting.takeDue(at: now) { ready.append(queue) }
            if let queue = ready.popFirst() {
                // One signal may have been for several that were due.
                if !ready.isEmpty { pthread_cond_signal(condition) }
                return queue
            }
            if resting.isEmpty {
                pthread_cond_wait(condition, mutex)
            } else {
                let due = now + .milliseconds(Int64(resting.milliseconds(at: now, atMost: 60_000)))
                var time = timespec(
                    tv_sec: Int(due.nanoseconds / 1_000_000_000),
                    tv_nsec: Int(due.nanoseconds % 1_000_000_000))
                pthread_cond_timedwait(condition, mutex, &time)
            }
        }
        return nil
    }

    /// Nobody gets any more.
    ///
    /// - Returns: those that nobody has taken.
    func close() -> [TaskQueue] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        isClosed = true
        pthread_cond_broadcast(condition)
        defer { ready = FIFO() }
        return ready.elements + resting.takeAll()
    }
}
