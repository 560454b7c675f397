package import PostludeSystem
internal import Synchronization

/// A thread that waits for work until it is told to stop.
package final class LoopThread: Sendable {
    /// Signalled if there may be work, and if the thread must stop.
    package let wakeup: EventDescriptor
    private let name: String
    private let hasEnded: EventDescriptor
    private let stopping = Atomic<Bool>(false)
    private let thread = Lock<WorkerThread?>(nil)

    /// - Parameter name: the name that debuggers and `top -H` show.
    package init(name: String) throws(SystemError) {
        self.name = name
        wakeup = try EventDescriptor()
        hasEnded = try EventDescriptor()
    }

    /// Starts the thread.
    ///
    /// - Parameter body: must return soon after ``isStopping`` becomes true, for which ``wait(atMost:)`` returns.
    package func start(_ body: @escaping @Sendable () -> Void) throws(ThreadError) {
        let started = try WorkerThread(name: name) { [hasEnded] in
            body()
            hasEnded.signal()
        }
        thread.withLock { $0 = started }
    }

    package var isStopping: Bool { stopping.load(ordering: .acquiring) }

    package func wake() { wakeup.signal() }

    /// Waits until `wake` is called, at most for `time`. Called by the thread itself.
    ///
    /// - Returns: whether `wake` was called.
    @discardableResult
    package func wait(atMost time: Duration) -> Bool {
        waitForInput([wakeup.descriptor], milliseconds: Int32(clamping: Int64(time / .milliseconds(1)) + 1))
        return wakeup.take()
    }

    /// Stops the thread, and waits for its end; does nothing if it was not started.
    ///
    /// - Parameter timeout: the longest wait, after which the thread is left to the end of the process; nil for no
    ///   limit.
    package func stop(timeout: Duration? = nil) {
        stopping.store(true, ordering: .releasing)
        wakeup.signal()
        let started = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let started else { return }
        if let timeout {
            waitForInput(
                [hasEnded.descriptor], milliseconds: Int32(clamping: Int64(timeout / .milliseconds(1))))
            guard hasEnded.take() else { return started.detach() }
        }
        started.join()
    }
}
