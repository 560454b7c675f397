import Glibc

/// Runs async code on one worker's thread: what follows an `await` is on that thread again.
///
/// The pool keeps executors for the life of the process, since a job refers to its executor without owning it. Jobs
/// that arrive while the worker runs no async code go to the global executor: none is lost, and none waits for the
/// worker's next request.
// Unchecked: `jobs`, `isRunning` and `isWaiting` are touched under `mutex` only. Synchronization's Mutex cannot be waited on
// together with a condition.
package final class WorkerExecutor: TaskExecutor, @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [UnownedJob] = []
    private var isRunning = false
    private var isWaiting = false

    /// Whether the operation that runs waits for something, and the thread with it.
    package var isSuspended: Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return isWaiting && jobs.isEmpty
    }

    package init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        pthread_mutex_lock(mutex)
        let isRunning = self.isRunning
        if isRunning {
            jobs.append(job)
            pthread_cond_signal(condition)
        }
        pthread_mutex_unlock(mutex)
        if !isRunning { globalConcurrentExecutor.enqueue(job) }
    }

    /// Runs `operation` to its end on the calling thread.
    ///
    /// - Parameter started: receives a function that cancels it.
    /// - Returns: what it returned or threw.
    package func run<Value>(
        _ operation: @escaping () async throws -> Value,
        started: (@escaping @Sendable () -> Void) -> Void = { _ in }
    ) -> Result<Value, any Error> {
        let call = Call(operation)
        pthread_mutex_lock(mutex)
        isRunning = true
        pthread_mutex_unlock(mutex)
        let task = Task(executorPreference: self) {
            await call.run()
            self.stop()
        }
        started { task.cancel() }
        while let job = nextJob() { job.runSynchronously(on: asUnownedTaskExecutor()) }
        return call.result
    }

    private func stop() {
        pthread_mutex_lock(mutex)
        isRunning = false
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// The next job; nil when the operation has ended and nothing is left.
    private func nextJob() -> UnownedJob? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        defer { isWaiting = false }
        while jobs.isEmpty {
            guard isRunning else { return nil }
            isWaiting = true
            pthread_cond_wait(condition, mutex)
        }
        return jobs.removeFirst()
    }
}

/// An operation and its result, on their way into a task and back.
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
