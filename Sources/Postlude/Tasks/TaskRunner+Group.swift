internal import PostludeSystem
internal import PostludeThreads

extension TaskRunner {
    /// Runs the open group of `queue`: at most `limit` tasks at once, each one as soon as there is room.
    ///
    /// Called on the worker's thread, which waits for the last one.
    func runGroup(of queue: TaskQueue, limit: Int) {
        guard limit > 1 else {
            while true {
                let now = now()
                guard let task = queue.nextOfGroup(at: now, on: thread) else { return }
                runAlone(task, of: queue, at: now)
            }
        }
        _ = executor.run {
            await withTaskGroup(of: Void.self) { group in
                // Each child takes one task after another, so that the next one starts when any has ended.
                for _ in 0..<limit {
                    guard let first = queue.nextOfGroup(at: now()) else { break }
                    group.addTask {
                        var next: BackgroundTask? = first
                        while let task = next {
                            await runBeside(task, of: queue)
                            next = queue.nextOfGroup(at: now())
                        }
                    }
                }
            }
        }
    }

    /// An attempt that leaves the worker's thread to others while it waits.
    private func runBeside(_ task: BackgroundTask, of queue: TaskQueue) async {
        let attempt = beginAttempt(task, of: queue, at: now())
        switch task.function {
        case .sync(let function):
            let error = await onOwnThread {
                let thread = SampledThread()
                queue.setThread(of: task, thread)
                thread.enter()
                defer { thread.leave() }
                return observability.withCurrentLogger { attempt.error(of: function) }
            }
            endAttempt(attempt, error: error)
        case .async(let function):
            // A task that can be cancelled without the others. It inherits what the attempt binds.
            let call = attempt.perform { Task(executorPreference: executor) { try await function() } }
            queue.setCancellation(of: task) { call.cancel() }
            switch await call.result {
            case .success: endAttempt(attempt, error: nil)
            case .failure(let error): endAttempt(attempt, error: error)
            }
        }
    }

    private func onOwnThread(_ body: @escaping @Sendable () -> (any Error)?) async -> (any Error)? {
        await withCheckedContinuation { continuation in
            do {
                try WorkerThread(name: "task") { continuation.resume(returning: body()) }.detach()
            } catch {
                // Without another thread the group's tasks run one after another, which is late but right.
                continuation.resume(returning: body())
            }
        }
    }
}
