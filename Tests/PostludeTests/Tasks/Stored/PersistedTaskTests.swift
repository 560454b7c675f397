import HTTPTypes
import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Persisted tasks of a request")
struct PersistedTaskTests {
    private let log = RecordedLog()
    private let store = RecordedStore()
    private let registry: TaskRegistry
    private var events: Record<String> { store.events }

    init() { registry = TaskRegistry(store: store) }

    private func execution(bound: Int? = nil, whenFull: Manifest.TaskLimits.FullQueue = .run) throws
        -> RequestExecution
    {
        var fixture = RequestFixture(log: log, registry: registry)
        fixture.limits.maxQueued = bound
        fixture.limits.whenFull = whenFull
        let execution = RequestExecution(
            of: try fixture.request(), observability: Observability(logger: log.logger))
        execution.response = .text("yes")
        return execution
    }

    private func tasks(of execution: RequestExecution) throws -> BackgroundTasks {
        BackgroundTasks(request: try #require(execution.request))
    }

    @discardableResult
    private func persist(
        _ execution: RequestExecution, behind queued: Int = 0
    ) -> Manifest.TaskLimits.FullQueue? {
        execution.persistTasks(after: queued, retryAfter: .seconds(7), logger: log.logger)
    }

    /// A worker's steps with the request's tasks.
    private func run(_ execution: RequestExecution) async throws {
        let logger = log.logger
        guard let queue = execution.conclude(isDelivered: true, on: WorkerExecutor(), logger: logger) else {
            return
        }
        _ = try await onThread { TaskRunner(executor: WorkerExecutor(), logger: logger).run(queue) }
    }

    private func ordinary(_ name: String) -> @Sendable () -> Void {
        { [events] in events.append("\(name) runs") }
    }

    @Test("they are persisted together before the response is written, run in order, and are reported")
    func order() async throws {
        let execution = try execution()
        let tasks = try tasks(of: execution)
        try tasks.add(stored: RecordedTask("a", into: events))
        tasks.add(named: "b", ordinary("b"))
        try tasks.add(stored: RecordedTask("c", into: events))
        persist(execution)
        #expect(events.entries == ["persist a c"])
        let name = try #require(HTTPField.Name("Task-Id"))
        #expect(execution.response.headers[name] == "id-a, id-c")
        try await run(execution)
        #expect(events.entries == ["persist a c", "a runs 1", "a done", "b runs", "c runs 1", "c done"])
    }

    @Test("for any number of tasks, the header that names them fits into a web server's buffer")
    func many() async throws {
        let execution = try execution()
        let tasks = try tasks(of: execution)
        for number in 1...200 { try tasks.add(stored: RecordedTask("\(number)", into: events)) }
        persist(execution)
        let ids = execution.response.headers[try #require(HTTPField.Name("Task-Id"))]
        #expect(
            ids?.split(separator: ", ").count == Response.namedTasks
                && ids?.hasPrefix("id-1, id-2, ") == true
        )
        #expect(Response.namedTasks * ("01a20736-2132-7256-a4d1-57bdd2c6df1b".count + 2) < 2048)
        try await run(execution)
    }

    @Test("if they cannot be persisted, the response is 503, and no task runs, not even an ordinary one")
    func notPersisted() async throws {
        struct DiskFull: Error {}
        store.fail(with: DiskFull())
        let execution = try execution()
        let tasks = try tasks(of: execution)
        try tasks.add(stored: RecordedTask("a", into: events))
        tasks.add(named: "b", ordinary("b"))
        persist(execution)
        #expect(execution.response.status == .serviceUnavailable)
        #expect(execution.response.headers[.retryAfter] == "7")
        try await run(execution)
        #expect(events.entries == [])
        let entry = try #require(
            log.entries("durable tasks could not be persisted, the request is answered 503").first)
        #expect(entry.metadata["count"] == "1")
        #expect(entry.metadata["error"]?.contains("DiskFull") == true)
    }

    @Test("tasks of a handler that throws are not persisted")
    func thrown() async throws {
        let execution = try execution()
        try tasks(of: execution).add(stored: RecordedTask("a", into: events))
        execution.fail(RecordedTask.Refused())
        persist(execution)
        try await run(execution)
        #expect(events.entries == [])
    }

    @Test(
        "tasks persisted before the response are promised, and persisted once; the rest follow with the response"
    )
    func persistedBefore() async throws {
        let execution = try execution()
        let tasks = try tasks(of: execution)
        try tasks.add(stored: RecordedTask("a", into: events))
        #expect(try tasks.persistStored().map(\.name) == ["a"])
        #expect(try tasks.persistStored().isEmpty)
        try tasks.add(stored: RecordedTask("b", into: events))
        persist(execution)
        #expect(events.entries == ["persist a", "persist b"])
        let name = try #require(HTTPField.Name("Task-Id"))
        #expect(execution.response.headers[name] == "id-a, id-b")
        try await run(execution)
        #expect(events.entries.suffix(4) == ["a runs 1", "a done", "b runs 1", "b done"])
    }

    @Test(
        "a persisted task runs although the handler throws afterwards, is late, or its worker has too many tasks"
    )
    func persistedAndFailed() async throws {
        for end in 0..<3 {
            let execution = try execution(bound: 1, whenFull: .refuse)
            let tasks = try tasks(of: execution)
            try tasks.add(stored: RecordedTask("a", into: events))
            _ = try tasks.persistStored()
            if end == 0 {
                try tasks.add(stored: RecordedTask("b", into: events))
                execution.fail(RecordedTask.Refused())
            }
            if end == 1 { execution.timeOut(after: nil) } else { persist(execution, behind: 100) }
            #expect(execution.response.status == (end == 1 ? .gatewayTimeout : .ok))
            try await run(execution)
        }
        #expect(
            events.entries == Array(repeating: ["persist a", "a runs 1", "a done"], count: 3).flatMap(\.self))
    }

    @Test("a task that cannot be persisted before the response is answered 503")
    func notPersistedBefore() async throws {
        struct DiskFull: Error {}
        store.fail(with: DiskFull())
        let execution = try execution()
        let tasks = try tasks(of: execution)
        try tasks.add(stored: RecordedTask("a", into: events))
        do {
            _ = try tasks.persistStored()
        } catch {
            execution.fail(error)
            execution.response = .error(HTTPError(.serviceUnavailable))
        }
        persist(execution)
        #expect(execution.response.headers[.retryAfter] == "7")
        try await run(execution)
        #expect(events.entries == [])
    }

    @Test("tasks that depend on one that has failed or expired are told so")
    func stopped() async throws {
        for mayBegin in [true, false] {
            let execution = try execution()
            let tasks = try tasks(of: execution)
            try tasks.add(
                stored: RecordedTask(
                    "a", into: events, failures: 1, mayBegin: mayBegin, stopsOnFailure: true))
            tasks.add(named: "b", ordinary("b"))
            try tasks.add(stored: RecordedTask("c", into: events))
            persist(execution)
            try await run(execution)
        }
        #expect(
            events.entries == [
                "persist a c", "a runs 1", "a failed", "c stopped by a id-a",
                "persist a c", "a may not begin", "c stopped by a id-a",
            ])
    }

    @Test("an ordinary task that fails stops persisted ones, too")
    func stoppedByOrdinary() async throws {
        let execution = try execution()
        let tasks = try tasks(of: execution)
        tasks.stopOnFailure()
        tasks.add(named: "a") { throw RecordedTask.Refused() }
        try tasks.add(stored: RecordedTask("b", into: events))
        persist(execution)
        try await run(execution)
        #expect(events.entries == ["persist b", "b stopped by a"])
    }

    @Test(
        "after the response begins none can be added, even if there was none before",
        arguments: [true, false])
    func late(hasOther: Bool) throws {
        let execution = try execution()
        let request = try #require(execution.request)
        if hasOther { try tasks(of: execution).add(stored: RecordedTask("a", into: events)) }
        persist(execution)
        #expect(throws: LateTaskError.self) {
            try BackgroundTasks(request: request).add(stored: RecordedTask("late", into: events))
        }
        #expect(events.entries == (hasOther ? ["persist a"] : []))
    }

    @Test("a task that runs elsewhere is persisted, and not run here")
    func elsewhere() async throws {
        let execution = try execution()
        let tasks = try tasks(of: execution)
        try tasks.add(stored: RecordedTask("a", into: events, runsHere: false))
        try tasks.add(stored: RecordedTask("b", into: events))
        persist(execution)
        try await run(execution)
        #expect(events.entries == ["persist a b", "b runs 1", "b done"])
    }

    @Test("an expired task does not run")
    func over() async throws {
        let execution = try execution()
        try tasks(of: execution).add(stored: RecordedTask("a", into: events, mayBegin: false))
        persist(execution)
        try await run(execution)
        #expect(events.entries == ["persist a", "a may not begin"])
        #expect(registry.all.isEmpty == false, "the worker removes the queue")
    }

    @Test("persisted tasks run whatever happens to the response")
    func undelivered() async throws {
        let execution = try execution()
        try tasks(of: execution).add(stored: RecordedTask("a", into: events))
        persist(execution)
        let logger = log.logger
        let queue = try #require(execution.conclude(isDelivered: false, on: WorkerExecutor(), logger: logger))
        _ = try await onThread { TaskRunner(executor: WorkerExecutor(), logger: logger).run(queue) }
        #expect(events.entries == ["persist a", "a runs 1", "a done"])
    }

    // MARK: The bound of a worker's queue

    @Test(
        "tasks within the bound are accepted; the manifest decides about those over it",
        arguments: [
            (
                queued: 1, policy: Manifest.TaskLimits.FullQueue.refuse,
                found: nil as Manifest.TaskLimits.FullQueue?
            ),
            (2, .run, .run), (2, .refuse, .refuse), (2, .leave, .leave),
        ])
    func bound(queued: Int, policy: Manifest.TaskLimits.FullQueue, found: Manifest.TaskLimits.FullQueue?)
        async throws
    {
        let execution = try execution(bound: 3, whenFull: policy)
        let tasks = try tasks(of: execution)
        try tasks.add(stored: RecordedTask("a", into: events))
        tasks.add(named: "b", ordinary("b"))
        #expect(persist(execution, behind: queued) == found)
        try await run(execution)
        switch found {
        case .refuse:
            #expect(execution.response.status == .serviceUnavailable)
            #expect(execution.response.headers[.retryAfter] == "7")
            #expect(events.entries == [])
        case .leave: #expect(events.entries == ["persist a elsewhere", "b runs"])
        case .run, nil: #expect(events.entries == ["persist a", "a runs 1", "a done", "b runs"])
        }
    }

    @Test("a request without tasks is never refused for its worker's queue")
    func noTasks() throws {
        let execution = try execution(bound: 1, whenFull: .refuse)
        _ = try tasks(of: execution)
        #expect(persist(execution, behind: 100) == nil)
        #expect(execution.response.status == .ok)
    }
}
