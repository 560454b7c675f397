import HTTPTypes
import Logging
import PostludeManifest
import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("Stored tasks of a request")
struct StoredTaskTests {
    private let log = RecordedLog()
    private let store = RecordedStore()
    private let registry: TaskRegistry
    private var events: Record<String> { store.events }

    init() { registry = TaskRegistry(store: store) }

    private func exchange(bound: Int? = nil, whenFull: Manifest.TaskLimits.FullQueue = .run) throws
        -> Exchange
    {
        var fixture = RequestFixture(log: log, registry: registry)
        fixture.limits.maxQueued = bound
        fixture.limits.whenFull = whenFull
        let exchange = Exchange(of: try fixture.request(), observability: Observability(logger: log.logger))
        exchange.response = .text("yes")
        return exchange
    }

    private func tasks(of exchange: Exchange) throws -> BackgroundTasks {
        BackgroundTasks(request: try #require(exchange.request))
    }

    @discardableResult
    private func take(_ exchange: Exchange, behind queued: Int = 0) -> Manifest.TaskLimits.FullQueue? {
        exchange.takeTasks(behind: { queued }, retryAfter: .seconds(7), logger: log.logger)
    }

    /// What a worker does with the request's tasks.
    private func run(_ exchange: Exchange) async throws {
        let logger = log.logger
        guard let queue = exchange.conclude(isTaken: true, on: WorkerExecutor(), logger: logger) else {
            return
        }
        _ = try await onThread { TaskRunner(executor: WorkerExecutor(), logger: logger).run(queue) }
    }

    private func ordinary(_ name: String) -> @Sendable () -> Void {
        { [events] in events.append("\(name) runs") }
    }

    @Test("they are kept together before the response is written, run in their order, and are reported")
    func order() async throws {
        let exchange = try exchange()
        let tasks = try tasks(of: exchange)
        try tasks.add(stored: RecordedTask("a", into: events))
        tasks.add(named: "b", ordinary("b"))
        try tasks.add(stored: RecordedTask("c", into: events))
        take(exchange)
        #expect(events.entries == ["keep a c"])
        let name = try #require(HTTPField.Name("Task-Id"))
        #expect(exchange.response.headers[name] == "id-a, id-c")
        try await run(exchange)
        #expect(events.entries == ["keep a c", "a runs 1", "a done", "b runs", "c runs 1", "c done"])
    }

    @Test("however many there are, the header that names them fits into a web server's buffer")
    func many() async throws {
        let exchange = try exchange()
        let tasks = try tasks(of: exchange)
        for number in 1...200 { try tasks.add(stored: RecordedTask("\(number)", into: events)) }
        take(exchange)
        let ids = exchange.response.headers[try #require(HTTPField.Name("Task-Id"))]
        #expect(
            ids?.split(separator: ", ").count == Exchange.namedTasks && ids?.hasPrefix("id-1, id-2, ") == true
        )
        #expect(Exchange.namedTasks * ("01a20736-2132-7256-a4d1-57bdd2c6df1b".count + 2) < 2048)
        try await run(exchange)
    }

    @Test("where they cannot be kept the answer is 503, and no task runs, an ordinary one neither")
    func notKept() async throws {
        struct DiskFull: Error {}
        store.fail(with: DiskFull())
        let exchange = try exchange()
        let tasks = try tasks(of: exchange)
        try tasks.add(stored: RecordedTask("a", into: events))
        tasks.add(named: "b", ordinary("b"))
        take(exchange)
        #expect(exchange.response.status == .serviceUnavailable)
        #expect(exchange.response.headers[.retryAfter] == "7")
        try await run(exchange)
        #expect(events.entries == [])
        let entry = try #require(
            log.entries("durable tasks could not be kept, the request is answered 503").first)
        #expect(entry.metadata["count"] == "1")
        #expect(entry.metadata["error"]?.contains("DiskFull") == true)
    }

    @Test("those of a handler that throws are not kept")
    func thrown() async throws {
        let exchange = try exchange()
        try tasks(of: exchange).add(stored: RecordedTask("a", into: events))
        exchange.fail(RecordedTask.Refused())
        take(exchange)
        try await run(exchange)
        #expect(events.entries == [])
    }

    @Test("what is kept before the response is promised, and kept once; the rest goes with the response")
    func keptBefore() async throws {
        let exchange = try exchange()
        let tasks = try tasks(of: exchange)
        try tasks.add(stored: RecordedTask("a", into: events))
        #expect(try tasks.keepStored().map(\.name) == ["a"])
        #expect(try tasks.keepStored().isEmpty)
        try tasks.add(stored: RecordedTask("b", into: events))
        take(exchange)
        #expect(events.entries == ["keep a", "keep b"])
        let name = try #require(HTTPField.Name("Task-Id"))
        #expect(exchange.response.headers[name] == "id-a, id-b")
        try await run(exchange)
        #expect(events.entries.suffix(4) == ["a runs 1", "a done", "b runs 1", "b done"])
    }

    @Test("what was kept runs though the handler throws behind it, is late, or its worker has too many tasks")
    func keptAndFailed() async throws {
        for end in 0..<3 {
            let exchange = try exchange(bound: 1, whenFull: .refuse)
            let tasks = try tasks(of: exchange)
            try tasks.add(stored: RecordedTask("a", into: events))
            _ = try tasks.keepStored()
            if end == 0 {
                try tasks.add(stored: RecordedTask("b", into: events))
                exchange.fail(RecordedTask.Refused())
            }
            if end == 1 { exchange.timeOut() } else { take(exchange, behind: 100) }
            #expect(exchange.response.status == (end == 1 ? .gatewayTimeout : .ok))
            try await run(exchange)
        }
        #expect(
            events.entries == Array(repeating: ["keep a", "a runs 1", "a done"], count: 3).flatMap(\.self))
    }

    @Test("what cannot be kept before the response is answered 503")
    func notKeptBefore() async throws {
        struct DiskFull: Error {}
        store.fail(with: DiskFull())
        let exchange = try exchange()
        let tasks = try tasks(of: exchange)
        try tasks.add(stored: RecordedTask("a", into: events))
        do {
            _ = try tasks.keepStored()
        } catch {
            exchange.fail(error)
            exchange.response = .error(HTTPError(.serviceUnavailable))
        }
        take(exchange)
        #expect(exchange.response.headers[.retryAfter] == "7")
        try await run(exchange)
        #expect(events.entries == [])
    }

    @Test("those behind one that has failed, or whose time is over, are told of it where they depend on it")
    func stopped() async throws {
        for mayBegin in [true, false] {
            let exchange = try exchange()
            let tasks = try tasks(of: exchange)
            try tasks.add(
                stored: RecordedTask(
                    "a", into: events, failures: 1, mayBegin: mayBegin, stopsOnFailure: true))
            tasks.add(named: "b", ordinary("b"))
            try tasks.add(stored: RecordedTask("c", into: events))
            take(exchange)
            try await run(exchange)
        }
        #expect(
            events.entries == [
                "keep a c", "a runs 1", "a failed", "c stopped by a id-a",
                "keep a c", "a may not begin", "c stopped by a id-a",
            ])
    }

    @Test("an ordinary one that fails stops stored ones, too")
    func stoppedByOrdinary() async throws {
        let exchange = try exchange()
        let tasks = try tasks(of: exchange)
        tasks.stopOnFailure()
        tasks.add(named: "a") { throw RecordedTask.Refused() }
        try tasks.add(stored: RecordedTask("b", into: events))
        take(exchange)
        try await run(exchange)
        #expect(events.entries == ["keep b", "b stopped by a"])
    }

    @Test(
        "once the response begins none can be added, also where there was none before",
        arguments: [true, false])
    func late(hasOther: Bool) throws {
        let exchange = try exchange()
        let request = try #require(exchange.request)
        if hasOther { try tasks(of: exchange).add(stored: RecordedTask("a", into: events)) }
        take(exchange)
        #expect(throws: LateTask.self) {
            try BackgroundTasks(request: request).add(stored: RecordedTask("late", into: events))
        }
        #expect(events.entries == (hasOther ? ["keep a"] : []))
    }

    @Test("what runs elsewhere is kept, and not run here")
    func elsewhere() async throws {
        let exchange = try exchange()
        let tasks = try tasks(of: exchange)
        try tasks.add(stored: RecordedTask("a", into: events, runsHere: false))
        try tasks.add(stored: RecordedTask("b", into: events))
        take(exchange)
        try await run(exchange)
        #expect(events.entries == ["keep a b", "b runs 1", "b done"])
    }

    @Test("one whose time is over does not run")
    func over() async throws {
        let exchange = try exchange()
        try tasks(of: exchange).add(stored: RecordedTask("a", into: events, mayBegin: false))
        take(exchange)
        try await run(exchange)
        #expect(events.entries == ["keep a", "a may not begin"])
        #expect(registry.all.isEmpty == false, "the worker removes the queue")
    }

    @Test("kept ones run whatever becomes of the response")
    func notTaken() async throws {
        let exchange = try exchange()
        try tasks(of: exchange).add(stored: RecordedTask("a", into: events))
        take(exchange)
        let logger = log.logger
        let queue = try #require(exchange.conclude(isTaken: false, on: WorkerExecutor(), logger: logger))
        _ = try await onThread { TaskRunner(executor: WorkerExecutor(), logger: logger).run(queue) }
        #expect(events.entries == ["keep a", "a runs 1", "a done"])
    }

    // MARK: The bound of a worker's queue

    @Test(
        "tasks within the bound are taken, those over it as the manifest says",
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
        let exchange = try exchange(bound: 3, whenFull: policy)
        let tasks = try tasks(of: exchange)
        try tasks.add(stored: RecordedTask("a", into: events))
        tasks.add(named: "b", ordinary("b"))
        #expect(take(exchange, behind: queued) == found)
        try await run(exchange)
        switch found {
        case .refuse:
            #expect(exchange.response.status == .serviceUnavailable)
            #expect(exchange.response.headers[.retryAfter] == "7")
            #expect(events.entries == [])
        case .leave: #expect(events.entries == ["keep a elsewhere", "b runs"])
        case .run, nil: #expect(events.entries == ["keep a", "a runs 1", "a done", "b runs"])
        }
    }

    @Test("a request without tasks is never refused for its worker's queue")
    func noTasks() throws {
        let exchange = try exchange(bound: 1, whenFull: .refuse)
        _ = try tasks(of: exchange)
        #expect(take(exchange, behind: 100) == nil)
        #expect(exchange.response.status == .ok)
    }
}
