internal import PostludeSystem

/// A thread that runs one function after another, for callers that need them all on the same thread.
package final class SerialThread: Sendable {
    private let queue: Queue

    /// The state that the thread refers to, so that it ends when there is no reference to the `SerialThread`.
    private final class Queue: Sendable {
        let functions = Lock<[@Sendable () -> Void]>([])
        let signal: EventDescriptor
        let isOver = Lock(false)

        init() throws(SystemError) { signal = try EventDescriptor() }

        func run() {
            while !isOver.withLock({ $0 }) {
                waitForInput([signal.descriptor], milliseconds: -1)
                signal.take()
                let ready = functions.withLock { functions in
                    defer { functions = [] }
                    return functions
                }
                for function in ready { function() }
            }
        }
    }

    package init(name: String) throws {
        let queue = try Queue()
        self.queue = queue
        try WorkerThread(name: name) { queue.run() }.detach()
    }

    deinit {
        queue.isOver.withLock { $0 = true }
        queue.signal.signal()
    }

    /// Runs `function` on the thread, after the functions that were given to it before.
    package func enqueue(_ function: @escaping @Sendable () -> Void) {
        queue.functions.withLock { $0.append(function) }
        queue.signal.signal()
    }

    /// Runs `function` on the thread, after the functions that were given to it before, and waits for its
    /// result.
    package func run<Value: Sendable>(
        _ function: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            enqueue { continuation.resume(with: Result(catching: function)) }
        }
    }
}
