import HTTPTypes
import InMemoryTracing
import MetricsTestKit
import PostludeManifest
import PostludeScoreboard
import PostludeThreads
import Testing
import Tracing

@testable import Postlude

@Suite("Traces and measurements of requests")
struct RequestObservationTests {
    private struct Spill: Error {}

    private let log = RecordedLog()
    private let tracer = InMemoryTracer()
    private let metrics = TestMetrics()

    private var observability: Observability {
        Observability(tracer: tracer, metrics: metrics, logger: log.logger)
    }

    /// Begins and concludes a request.
    private func serve(
        _ fixture: RequestFixture, status: HTTPResponse.Status = .ok, error: (any Error)? = nil,
        isDelivered: Bool = true, _ handler: @escaping @Sendable (Request) -> Void = { _ in }
    ) async throws -> TaskQueue? {
        let (observability, log) = (observability, log)
        return try await onThread {
            let request = try fixture.request()
            let execution = RequestExecution(of: request, observability: observability)
            execution.perform { handler(request) }
            if let error { execution.fail(error) }
            execution.response.status = status
            return execution.conclude(isDelivered: isDelivered, on: WorkerExecutor(), logger: log.logger)
        }
    }

    private func request(_ parameters: [(String, String)] = []) -> RequestFixture {
        var fixture = RequestFixture.get("/items/7?token=secret", route: "/items/{id}")
        fixture.parameters = parameters
        fixture.log = log
        return fixture
    }

    @Test("a request's span has the attributes of the semantic conventions, and no query")
    func attributes() async throws {
        _ = try await serve(request([("REQUEST_ID", "abc"), ("REMOTE_ADDR", "192.0.2.1")]))
        let span = try #require(tracer.finishedSpans.first)
        #expect(tracer.finishedSpans.count == 1 && tracer.activeSpans.isEmpty)
        #expect(span.operationName == "GET /items/{id}")
        #expect(span.kind == .server && span.parentSpanID == nil)
        #expect(span.attributes.get("http.request.method") == .string("GET"))
        #expect(span.attributes.get("http.route") == .string("/items/{id}"))
        #expect(span.attributes.get("url.path") == .string("/items/7"))
        #expect(span.attributes.get("client.address") == .string("192.0.2.1"))
        #expect(span.attributes.get("http.response.status_code") == .int64(200))
        #expect(span.attributes.get("postlude.request.id") == .string("abc"))
        #expect(span.status == nil && span.errors.isEmpty)
    }

    @Test("the client's trace continues, and the handler's own spans are children of the request's")
    func propagation() async throws {
        let tracer = tracer
        _ = try await serve(
            request([("HTTP_IN_MEMORY_TRACE_ID", "trace-9"), ("HTTP_IN_MEMORY_SPAN_ID", "span-9")])
        ) { _ in
            tracer.withSpan("query") { _ in }
        }
        let spans = tracer.finishedSpans
        let server = try #require(spans.first { $0.kind == .server })
        let inner = try #require(spans.first { $0.operationName == "query" })
        #expect(server.traceID == "trace-9" && server.parentSpanID == "span-9")
        #expect(inner.traceID == "trace-9" && inner.parentSpanID == server.spanID)
    }

    @Test("a failure of the server is an error of the span; a client's mistake is not")
    func errors() async throws {
        _ = try await serve(request(), status: .internalServerError, error: Spill())
        _ = try await serve(request(), status: .notFound, error: HTTPError(.notFound))
        let spans = tracer.finishedSpans
        #expect(spans[0].status?.code == .error && spans[0].errors.count == 1)
        #expect(spans[0].attributes.get("error.type") == .string("Spill"))
        #expect(spans[1].status == nil && spans[1].errors.isEmpty)
    }

    @Test("a span says if the web server did not take the response")
    func undelivered() async throws {
        for isDelivered in [true, false] { _ = try await serve(request(), isDelivered: isDelivered) }
        let attributes = tracer.finishedSpans.map { $0.attributes.get("postlude.response.delivered") }
        #expect(attributes == [nil, .bool(false)])
    }

    @Test("an unknown method makes no span name of its own")
    func inventedMethod() async throws {
        var fixture = request()
        fixture.method = "BREW"
        _ = try await serve(fixture)
        let span = try #require(tracer.finishedSpans.first)
        #expect(span.operationName == "HTTP /items/{id}")
        #expect(span.attributes.get("http.request.method") == .string("_OTHER"))
        #expect(metrics.counters.first?.dimensions.first?.1 == "_OTHER")
    }

    @Test("requests are counted and timed by method, route and status; equal labels share a metric")
    func measurements() async throws {
        for status in [HTTPResponse.Status.ok, .ok, .notFound] {
            _ = try await serve(request(), status: status)
        }
        let dimensions = [
            ("http.request.method", "GET"), ("http.response.status_code", "200"),
            ("http.route", "/items/{id}"),
        ]
        #expect(try metrics.expectCounter("http.server.requests", dimensions).totalValue == 2)
        let timer = try metrics.expectTimer("http.server.request.duration", dimensions)
        #expect(timer.values.count == 2 && timer.values.allSatisfy { $0 > 0 })
        #expect(metrics.counters.count == 2 && metrics.timers.count == 2)
    }

    @Test("without tracing and metrics nothing is allocated")
    func none() async throws {
        let log = log
        try await onThread {
            let observability = Observability(logger: log.logger)
            let request = try RequestFixture().request()
            #expect(observability.begin(request) == nil)
        }
        let bootstrapped = Observability.bootstrapped(logger: log.logger)
        #expect(bootstrapped.tracer == nil && bootstrapped.instrument == nil)
        #expect(bootstrapped.requests == nil && bootstrapped.tasks == nil)
    }

    // MARK: Tasks

    private func run(_ queue: TaskQueue?) async throws {
        let queue = try #require(queue)
        let (observability, log) = (observability, log)
        try await onThread {
            _ = TaskRunner(executor: WorkerExecutor(), logger: log.logger, observability: observability).run(
                queue)
        }
    }

    @Test("a task's span is linked to the request's span, which has ended, and is not its child")
    func link() async throws {
        let tracer = tracer
        let queue = try await serve(request()) { request in
            let tasks = BackgroundTasks(request: request)
            tasks.add(named: "sync") { tracer.withSpan("inner") { _ in } }
            tasks.add(named: "async") {
                await Task.yield()
                throw Spill()
            }
        }
        let server = try #require(tracer.finishedSpans.first)
        #expect(tracer.finishedSpans.count == 1, "the request's span ends at finish, before the tasks")
        try await run(queue)
        let spans = Dictionary(uniqueKeysWithValues: tracer.finishedSpans.map { ($0.operationName, $0) })
        for name in ["sync", "async"] {
            let span = try #require(spans["task \(name)"])
            #expect(span.kind == .consumer && span.parentSpanID == nil && span.traceID != server.traceID)
            #expect(span.links.map { $0.context.inMemorySpanContext } == [server.spanContext])
            #expect(span.attributes.get("postlude.task.name") == .string(name))
        }
        #expect(spans["inner"]?.parentSpanID == spans["task sync"]?.spanID)
        #expect(spans["task async"]?.status?.code == .error)
        #expect(spans["task async"]?.errors.count == 1)
    }

    @Test("tasks are counted and timed by name and outcome")
    func taskMeasurements() async throws {
        let observability = observability
        let log = log
        let queue = TaskQueue(
            of: RequestIdentity(id: "r1", route: "/"), limits: .init(), logger: log.logger,
            registry: TaskRegistry(metrics: observability.tasks))
        let retry = TaskOptions(retry: RetryPolicy(attempts: 2, delay: .zero))
        queue.add(BackgroundTask(name: "a", function: .sync {}))
        queue.add(BackgroundTask(name: "a", function: .async {}))
        queue.add(BackgroundTask(name: "b", options: retry, function: .sync { throw Spill() }))
        queue.add(BackgroundTask(name: "c", options: TaskOptions(condition: .failure), function: .sync {}))
        #expect(queue.finalize(RequestOutcome(hasThrown: false, status: .ok, isDelivered: true)))
        try await run(queue)
        func count(_ name: String, _ outcome: String) -> Int64 {
            metrics.counterTotal(
                label: "postlude.tasks",
                dimensions: [("postlude.task.name", name), ("postlude.task.outcome", outcome)])
        }
        #expect(count("a", "done") == 2)
        #expect(count("b", "retried") == 1 && count("b", "failed") == 1)
        #expect(count("c", "dropped") == 1)
        #expect(metrics.timers(label: "postlude.task.duration").flatMap(\.values).count == 4)
    }

    @Test("the number of names that an application makes up at run time is bounded")
    func names() {
        let tasks = TaskMetrics(metrics, limit: 3)
        for number in 0..<100 { tasks.count(.done, task: "\(number)", taking: nil) }
        #expect(metrics.counters.count == 4)
        #expect(
            metrics.counterTotal(
                label: "postlude.tasks",
                dimensions: [("postlude.task.name", "other"), ("postlude.task.outcome", "done")]) == 97)
    }
}
