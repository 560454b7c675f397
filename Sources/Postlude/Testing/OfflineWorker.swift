package import FoundationEssentials
internal import HTTPTypes
package import Logging
package import PostludeFastCGI
internal import PostludeManifest
internal import PostludeRouting
internal import PostludeSystem
internal import PostludeThreads

/// A worker without a connection, which answers requests up to finish, and leaves their tasks queued.
package final class OfflineWorker: Sendable {
    /// The response that a web server would have received, and the tasks to run.
    package struct Answer: Sendable {
        /// The response's head as written to the web server (RFC 3875, 6.3).
        package let head: [UInt8]
        package let body: [UInt8]
        package let tasks: OfflineTasks
    }

    /// The source of the manifest.
    package enum ManifestSource: Sendable {
        case file(String)
        case yaml(String, environment: [String: String])
    }

    private let thread: SerialThread
    private let generation: Generation
    private let taskFailed: @Sendable (TaskFailure) -> Void
    private let observability: Observability
    private let executor = WorkerExecutor()
    private let registry: TaskRegistry
    private let logger: Logger
    private let process: (any OfflineProcess)?
    private let errorFormat: ErrorFormat

    /// - Parameter process: the process that it is in, if that may die; nil for the test's.
    package init(
        _ application: some Application, manifest source: ManifestSource, logger: Logger,
        in process: (any OfflineProcess)? = nil
    ) throws {
        self.process = process
        let handlers = application.registeredHandlersWithoutTaskEngine
        let manifest = try handlers.manifest(from: source)
        let hooks = ApplicationHooks(application)
        let store = application.taskEngine?.parts.makeOfflineStore(in: process)
        store?.applyManifest(manifest)
        observability = .bootstrapped(logger: logger)
        registry = TaskRegistry(of: application, metrics: observability.tasks, store: store)
        thread = try SerialThread(name: "worker")
        if let process { thread.enqueue { process.isWorker() } }
        generation = try Generation(
            manifest, number: 1, handlers: handlers.byName, hooks: hooks, registry: registry, logger: logger,
            observability: observability)
        taskFailed = hooks.taskFailed
        errorFormat = hooks.errorFormat
        self.logger = logger
    }

    /// Breaks the reference cycle of tasks that have not run, which would keep their store, too.
    deinit { registry.removeAll() }

    /// Answers a request as a worker does, up to the moment of finish.
    ///
    /// - Parameters:
    ///   - isDelivered: whether the web server receives the whole response.
    ///   - pieces: the number of pieces of a streamed body after which the client disconnects; nil for never.
    ///   - isCancelled: whether the request is past its time limit before its handler is called.
    package func respond(
        to head: RequestHead, body: [UInt8], isDelivered: Bool, pieces: Int?, isCancelled: Bool
    ) async throws -> Answer {
        try await thread.run { [self] in
            let resolution = generation.router.resolve(head, using: try RouteMatcher())
            var sink = OfflineSink(
                to: head, files: generation.files, executor: executor, logger: logger,
                isDelivered: isDelivered, pieces: pieces, isCancelled: isCancelled, in: process,
                errors: errorFormat)
            if resolution.bodyPolicy.allows(body.count) {
                observability.withCurrentLogger {
                    Worker.serve(
                        head, BodySource(body), as: resolution, by: generation, through: &sink,
                        on: executor)
                }
            } else {
                sink.refuse(HTTPError(.contentTooLarge))
            }
            if let error = sink.error { throw error }
            return Answer(head: sink.head, body: sink.body, tasks: OfflineTasks(sink.tasks, of: self))
        }
    }

    /// Fires a schedule of the manifest, which queues its task.
    ///
    /// - Throws: an error if there is no such schedule.
    package func fire(_ schedule: String, at time: Date) async throws -> OfflineTasks {
        guard let store = registry.store as? any OfflineTaskStore else { throw NoSchedules() }
        return queue(try store.fire(schedule, at: time))
    }

    /// Takes the due tasks that no request has, and queues them.
    ///
    /// - Parameter skippingDelays: whether tasks that wait for a time are due, too.
    /// - Returns: the tasks of each request.
    package func takeDueTasks(skippingDelays: Bool) async throws -> [OfflineTasks] {
        guard let store = registry.store as? any OfflineTaskStore else { return [] }
        return try store.takeDue(skippingDelays: skippingDelays).map(queue)
    }

    /// Opens the store of durable tasks, which is opened on its first use otherwise.
    package func openStore() throws { try (registry.store as? any OfflineTaskStore)?.open() }

    private func queue(_ taken: TakenTasks) -> OfflineTasks {
        guard !taken.tasks.isEmpty else { return OfflineTasks(nil, of: self) }
        let queue = TaskQueue(
            of: RequestIdentity(id: taken.origin.requestID, route: taken.origin.route),
            limits: generation.manifest.tasks,
            logger: logger, registry: registry)
        queue.add(persisted: taken.tasks)
        registry.insert(queue)
        return OfflineTasks(queue, of: self)
    }

    /// Runs tasks of a request on the worker's thread.
    ///
    /// - Parameters:
    ///   - onFailure: called for each task that has failed for good, before the application's `taskFailed`.
    ///   - steps: runs the tasks.
    func run(
        _ queue: TaskQueue, at clock: OfflineClock, onFailure: @escaping @Sendable (TaskFailure) -> Void,
        steps: @escaping @Sendable (TaskRunner) -> Void
    ) async throws {
        try await thread.run { [self] in
            var runner = TaskRunner(executor: executor, logger: logger, observability: observability) {
                [taskFailed] failure in
                onFailure(failure)
                taskFailed(failure)
            }
            runner.now = { clock.now }
            runner.random = { 0 }
            observability.withCurrentLogger { steps(runner) }
            if queue.isEmpty { registry.remove(queue) }
        }
    }
}

/// A store whose tasks a test takes.
package protocol OfflineTaskStore: TaskStore {
    /// Fires a schedule.
    ///
    /// - Returns: the added tasks; none if the schedule's last task has not ended, and the schedule then skips a firing.
    func fire(_ schedule: String, at time: Date) throws -> TakenTasks

    /// Takes the due tasks that no request has.
    ///
    /// - Parameter skippingDelays: whether tasks that wait for a time are due, too.
    func takeDue(skippingDelays: Bool) throws -> [TakenTasks]

    /// Opens the store now.
    func open() throws
}

/// The tasks of one request, which a test has taken from their store.
package struct TakenTasks: Sendable {
    package let origin: TaskOrigin
    package let tasks: [any PersistedTask]

    package init(origin: TaskOrigin, tasks: [any PersistedTask]) {
        self.origin = origin
        self.tasks = tasks
    }
}

/// The error of a test that fires a schedule of an application without a task engine.
private struct NoSchedules: Error, CustomStringConvertible {
    var description: String { "the application has no taskEngine, and so no schedules" }
}

extension Handlers {
    fileprivate func manifest(from source: OfflineWorker.ManifestSource) throws -> Manifest {
        switch source {
        case .file(let path): return try manifest(at: path)
        case .yaml(let text, let environment):
            return try manifest(text, file: "routes.yaml", environment: environment)
        }
    }
}
