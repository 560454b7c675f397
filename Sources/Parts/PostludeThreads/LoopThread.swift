package import PostludeSystem
internal import Synchronization

/// A thread that waits for something to do, until it is told to stop.
package final class LoopThread: Sendable {
    /// Rings when there may be something to do, or when it is to stop.
    package let bell: EventDescriptor
    private let name: String
    private let hasEnded: EventDescriptor
    private let stopping = Atomic<Bool>(false)
    private let thread = Lock<WorkerThread?>(nil)

    /// - Parameter name: what debuggers and `top -H` show.
    package init(name: String) throws(SystemError) {
        self.name = name
        bell = try EventDescriptor()
        hasEnded = try EventDescriptor()
    }

    /// - Parameter body: returns soon when ``isStopping``, for which the bell rings.
    package func start(_ body: @escaping @Sendable () -> Void) throws(ThreadError) {
        let started = try WorkerThread(name: name) { [hasEnded] in
            body()
            hasEnded.signal()
        }
        thread.withLock { $0 = started }
    }

    package var isStopping: Bool { stopping.load(ordering: .acquiring) }

    package func ring() { bell.signal() }

    /// For the thread itself: waits until `ring` is called, but no longer than this.
    package func rest(_ time: Duration) {
        waitForInput([bell.descriptor], milliseconds: Int32(clamping: Int64(time / .milliseconds(1)) + 1))
        bell.take()
    }

    /// Has the thread end, and waits for that; does nothing where it was not started.
    ///
    /// - Parameter patience: how long at most, after which the end of the process ends it; nil for as long as it takes.
    package func stop(patience: Duration? = nil) {
        stopping.store(true, ordering: .releasing)
        bell.signal()
        let started = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let started else { return }
        if let patience {
            waitForInput(
                [hasEnded.descriptor], milliseconds: Int32(clamping: Int64(patience / .milliseconds(1))))
            guard hasEnded.take() else { return started.detach() }
        }
        started.join()
    }
}
