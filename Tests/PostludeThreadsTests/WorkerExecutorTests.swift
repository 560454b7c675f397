import PostludeSystem
import PostludeThreads
import Testing

@Suite("WorkerExecutor")
struct WorkerExecutorTests {
    private struct Failure: Error, Equatable {
        let code: Int
    }

    /// Runs `operation` by an executor on a thread of its own.
    ///
    /// - Returns: that thread, and the operation's result.
    private func run<Value: Sendable>(
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> (thread: UInt, value: Value) {
        try await onThread { (currentThread(), try WorkerExecutor().run(operation).get()) }
    }

    @Test("returns the operation's value")
    func value() async throws {
        #expect(try await run { 42 }.value == 42)
        #expect(
            try await run {
                await Task.yield()
                return "after a yield"
            }.value == "after a yield")
    }

    @Test("throws the operation's error")
    func error() async {
        await #expect(throws: Failure(code: 7)) {
            _ = try await run {
                await Task.yield()
                throw Failure(code: 7)
            }
        }
    }

    @Test("code after an await is on the worker's thread")
    func await() async throws {
        let (thread, seen) = try await run {
            var seen = [currentThread()]
            await Task.yield()
            seen.append(currentThread())
            try await Task.sleep(for: .milliseconds(1))
            seen.append(currentThread())
            return seen
        }
        #expect(seen == [thread, thread, thread])
    }

    @Test("code after a continuation that another thread resumes is on the worker's thread")
    func continuation() async throws {
        let (thread, seen) = try await run {
            let other = try await withCheckedThrowingContinuation { continuation in
                do {
                    try WorkerThread(name: "other") { continuation.resume(returning: currentThread()) }
                        .detach()
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            return [other, currentThread()]
        }
        #expect(seen[0] != thread)
        #expect(seen[1] == thread)
    }

    @Test("async let and task groups run on the worker's thread")
    func children() async throws {
        let (thread, seen) = try await run {
            async let first = currentThread()
            async let second: UInt = {
                try await Task.sleep(for: .milliseconds(1))
                return currentThread()
            }()
            let group = await withTaskGroup(of: UInt.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        await Task.yield()
                        return currentThread()
                    }
                }
                return await group.reduce(into: Set<UInt>()) { $0.insert($1) }
            }
            return try await group.union([first, second, currentThread()])
        }
        #expect(seen == [thread])
    }

    @Test("the main actor is another thread, and the operation returns to the worker's")
    func mainActor() async throws {
        let (thread, seen) = try await run {
            let before = currentThread()
            let main = await MainActor.run { currentThread() }
            return [before, main, currentThread()]
        }
        #expect(seen[0] == thread)
        #expect(seen[1] != thread)
        #expect(seen[2] == thread)
    }

    @Test(
        "after an actor's method the operation is on the worker's thread, even if workers share the actor")
    func sharedActor() async throws {
        actor Counter {
            var count = 0
            func increment() async {
                await Task.yield()
                count += 1
            }
        }
        let counter = Counter()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let (thread, seen) = try await run {
                        var seen: Set<UInt> = []
                        for _ in 0..<100 {
                            await counter.increment()
                            seen.insert(currentThread())
                        }
                        return seen
                    }
                    return seen == [thread]
                }
            }
            for try await isSame in group { #expect(isSame) }
        }
        #expect(await counter.count == 400)
    }

    @Test("one executor serves one operation after another, from different threads too")
    func again() async throws {
        let executor = WorkerExecutor()
        for number in 0..<100 {
            let isSame = try await onThread {
                let thread = currentThread()
                for _ in 0..<10 {
                    let seen = try executor.run {
                        await Task.yield()
                        return (number, currentThread())
                    }.get()
                    guard seen == (number, thread) else { return false }
                }
                return true
            }
            #expect(isSame)
        }
    }

    @Test("a job that arrives while nothing runs goes to the global executor")
    func idle() async {
        let executor = WorkerExecutor()
        let here = Task(executorPreference: executor) {
            await Task.yield()
            return true
        }
        #expect(await here.value)
    }

    @Test("a job that arrives after the operation has ended is not lost")
    func lateJob() async throws {
        let executor = WorkerExecutor()
        let opened = Event()
        let (thread, late) = try await onThread {
            let late = try executor.run {
                Task(executorPreference: executor) {
                    await opened.wait()
                    return currentThread()
                }
            }.get()
            return (currentThread(), late)
        }
        opened.happen()
        #expect(await late.value != thread)
    }

    @Test("the cancellation passed to `started` cancels the operation")
    func cancellation() async throws {
        let isAsleep = Event()
        let cancellation = Lock<(@Sendable () -> Void)?>(nil)
        async let failure = onThread { () -> (any Error)? in
            let result = WorkerExecutor().run {
                try await withTaskCancellationHandler {
                    isAsleep.happen()
                    try await Task.sleep(for: .seconds(3600))
                } onCancel: {
                }
            } started: { cancel in
                cancellation.withLock { $0 = cancel }
            }
            if case .failure(let error) = result { return error }
            return nil
        }
        await isAsleep.wait()
        let cancel = try #require(cancellation.withLock { $0 })
        cancel()
        #expect(try await failure is CancellationError)
        // The operation has ended: there is nothing left to cancel.
        cancel()
    }

    @Test("`started` may cancel at once")
    func cancellationAtOnce() async throws {
        let wasCancelled = try await onThread {
            try WorkerExecutor().run({ Task.isCancelled }, started: { cancel in cancel() }).get()
        }
        #expect(wasCancelled)
    }

    @Test("a task-local value of the calling thread is seen by the operation")
    func taskLocal() async throws {
        let seen = try await onThread {
            try Local.$value.withValue("worker") {
                try WorkerExecutor().run {
                    await Task.yield()
                    return Local.value
                }.get()
            }
        }
        #expect(seen == "worker")
    }

    private enum Local {
        @TaskLocal static var value = ""
    }
}
