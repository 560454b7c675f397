public import FoundationEssentials
public import Logging
public import Postlude
internal import PostludeFastCGI
internal import PostludeManifest

/// An application without sockets: requests go in, and responses come out with their tasks still queued.
///
/// ```swift
/// @Test func registrationSendsAMail() async throws {
///     let app = try await TestApplication(Notifications(), manifestAt: "routes.yaml")
///     let response = try await app.send(.post("/send?email=ada@example.org"))
///     #expect(response.status == .ok)
///     #expect(response.tasks.queued.map(\.name) == ["send-mail"])
///     try await response.tasks.runAll()
/// }
/// ```
///
/// Handlers, inputs, middleware and tasks run as in production, on one thread that stands for a worker. Nothing is sent
/// over a network, and nothing waits for time to pass. `Application.services` are not started: a test starts the services
/// that it needs.
public final class TestApplication<App: Application>: Sendable {
    /// The application under test.
    public let application: App
    private let worker: OfflineWorker
    let source: OfflineWorker.ManifestSource
    let logger: Logger

    /// Starts an application with a manifest given as text.
    ///
    /// - Parameters:
    ///   - application: the application under test.
    ///   - manifest: the manifest's YAML.
    ///   - environment: the values of `${NAME}` in it.
    ///   - logger: receives the entries of the server's log.
    /// - Throws: all mistakes in the manifest and the handlers, or the error of `Application.start()`.
    public convenience init(
        _ application: App, manifest: String, environment: [String: String] = [:],
        logger: Logger = Logger(label: "postlude.test", factory: { _ in SwiftLogNoOpLogHandler() })
    ) async throws {
        try self.init(application, .yaml(manifest, environment: environment), logger: logger)
        try await application.start()
    }

    /// Starts an application with the manifest of a file.
    ///
    /// - Parameters:
    ///   - application: the application under test.
    ///   - path: the manifest's path.
    ///   - logger: receives the entries of the server's log.
    /// - Throws: all mistakes in the manifest and the handlers, or the error of `Application.start()`.
    public convenience init(
        _ application: App, manifestAt path: String,
        logger: Logger = Logger(label: "postlude.test", factory: { _ in SwiftLogNoOpLogHandler() })
    ) async throws {
        try self.init(application, .file(path), logger: logger)
        try await application.start()
    }

    /// Makes an application that is not started.
    ///
    /// - Parameter process: the process that it is in, if that may die.
    init(
        _ application: App, _ source: OfflineWorker.ManifestSource, logger: Logger,
        in process: ExploredProcess? = nil
    ) throws {
        self.application = application
        self.source = source
        self.logger = logger
        worker = try OfflineWorker(application, manifest: source, logger: logger, in: process)
    }

    func openStore() throws { try worker.openStore() }

    /// Sends a request, and returns when the response is finished and before any task begins.
    ///
    /// - Throws: an error if a web server would not forward the request. Errors of the application become a response, as
    ///   in production.
    public func send(_ request: TestRequest) async throws -> TestResponse {
        let head = try RequestHead(parameters: request.parameters)
        let answer = try await worker.respond(
            to: head, body: request.body, isDelivered: request.isResponseTaken, pieces: request.takenPieces,
            isCancelled: request.isCancelled)
        return try TestResponse(answer)
    }

    /// Queues the task of a schedule, as when the schedule fires, whatever its `cron`.
    ///
    /// ```swift
    /// let tasks = try await app.fire("nightly")
    /// try await tasks.runAll()
    /// #expect(tasks.failures.isEmpty)
    /// ```
    ///
    /// - Parameters:
    ///   - schedule: the schedule's name in the manifest.
    ///   - time: the time of the firing, which is part of the id of the task's request, `nightly@2026-01-31T03:00:00Z`.
    /// - Returns: the task; none if the schedule's last task has not ended, and its `overlap` is `skip`.
    /// - Throws: an error if the manifest has no such schedule.
    public func fire(_ schedule: String, at time: Date = Date()) async throws -> TestTasks {
        TestTasks(try await worker.fire(schedule, at: time))
    }

    /// Takes the durable tasks that are due and that no request has: those that other durable tasks, services, `start()` and
    /// ordinary tasks have added, and those whose time has come.
    ///
    /// ```swift
    /// try await app.send(.post("/orders/7")).tasks.runAll()
    /// for tasks in try await app.dueTasks() { try await tasks.runAll() }
    /// ```
    ///
    /// - Parameter skippingDelays: whether tasks that wait for a time are due, too.
    /// - Returns: the tasks of each request. A task that was added outside of a handler is the only one of its request.
    /// - Throws: an error if the task store cannot be read.
    public func dueTasks(skippingDelays: Bool = false) async throws -> [TestTasks] {
        try await worker.takeDueTasks(skippingDelays: skippingDelays).map(TestTasks.init)
    }

    /// Stops the application, as after the last task has ended.
    ///
    /// - Throws: the error of `Application.stop()`.
    public func stop() async throws { try await application.stop() }
}
