internal import PostludeSystem

/// Runs async code on one worker's thread: the code after an `await` runs on that thread, too.
///
/// The pool keeps executors for the life of the process, since a job does not own its executor. Jobs that arrive while
/// the worker runs no async code go to the global executor, so that none is lost, and none waits for the worker's next
/// request.
package final class WorkerExecutor: TaskExecutor, Sendable {
    private struct State {
        var jobs: [UnownedJob] = []
        var isRunning = false
        var isWaiting = false
    }

    private let state = ConditionLock(State())

    package init() {}

    /// Whether the running operation is suspended, so that the thread waits.
    package var isSuspended: Bool { state.withLock { $0.isWaiting && $0.jobs.isEmpty } }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isRunning = state.withLock { state in
            guard state.isRunning else { return false }
            state.jobs.append(job)
            self.state.signal()
            return true
        }
        if !isRunning { globalConcurrentExecutor.enqueue(job) }
    }

    /// Runs `operation` to its end on the calling thread.
    ///
    /// - Parameter started: receives a function that cancels the operation.
    /// - Returns: what the operation returned or threw.
    package func run<Value>(
        _ operation: @escaping () async throws -> Value,
        started: (@escaping @Sendable () -> Void) -> Void = { _ in }
    ) -> Result<Value, any Error> {
        let call = Call(operation)
        state.withLock { $0.isRunning = true }
        let task = Task(executorPreference: self) {
            await call.run()
            self.stop()
        }
        started { task.cancel() }
        while let job = nextJob() { job.runSynchronously(on: asUnownedTaskExecutor()) }
        return call.result
    }

    private func stop() {
        state.withLock { state in
            state.isRunning = false
            self.state.signal()
        }
    }

    /// Waits for the next job; nil if the operation has ended and no job is left.
    private func nextJob() -> UnownedJob? {
        state.wait { state in
            state.isWaiting = state.jobs.isEmpty && state.isRunning
            if !state.jobs.isEmpty { return .stop(state.jobs.removeFirst()) }
            return state.isRunning ? .wait(until: nil) : .stop(nil)
        }
    }
}

/// Carries an operation into a task, and its result back.
// Unchecked: the task runs on the thread that waits for it, so one thread touches both.
private final class Call<Value>: @unchecked Sendable {
    private let operation: () async throws -> Value
    private(set) var result: Result<Value, any Error> = .failure(CancellationError())

    init(_ operation: @escaping () async throws -> Value) { self.operation = operation }

    func run() async {
        do {
            result = .success(try await operation())
        } catch {
            result = .failure(error)
        }
    }
}
