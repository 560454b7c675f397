internal import PostludeSystem
internal import PostludeThreads
internal import Synchronization

/// One worker's permission to run tasks, while others are reserved for requests.
final class TaskSlot {
    private let pool: WorkerPool
    private let signal: EventDescriptor
    private let isQueued = QueuedFlag()
    /// Whether the signal may be set, because the slot was refused since the last reset. Saves a system call.
    private var mayBeSignalled = false

    private final class QueuedFlag: Sendable {
        let value = Atomic<Bool>(false)
    }

    init(pool: WorkerPool) throws(SystemError) {
        self.pool = pool
        signal = try EventDescriptor()
    }

    /// Readable when a slot may be free again.
    var descriptor: Int32 { signal.descriptor }

    /// Requests the permission.
    ///
    /// - Returns: whether the worker may run tasks now. Otherwise `descriptor` becomes readable when it may ask again.
    func acquire() -> Bool {
        // A second request would queue this worker twice.
        guard !isQueued.value.load(ordering: .acquiring) else { return false }
        if mayBeSignalled {
            signal.take()
            mayBeSignalled = false
        }
        isQueued.value.store(true, ordering: .releasing)
        let isFree = pool.beginTasks { [signal, isQueued] in
            isQueued.value.store(false, ordering: .releasing)
            signal.signal()
        }
        if isFree { isQueued.value.store(false, ordering: .releasing) } else { mayBeSignalled = true }
        return isFree
    }

    func release() { pool.endTasks() }
}
