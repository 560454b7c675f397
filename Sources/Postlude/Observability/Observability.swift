internal import Logging
internal import Metrics
internal import PostludeFastCGI
internal import PostludeSystem
internal import Tracing

/// Where traces and measurements go, looked up once: what is not configured costs nothing.
struct Observability: Sendable {
    /// nil if no backend traces.
    let tracer: (any Tracer)?
    /// Reads the trace context that the client sent; nil if no backend traces.
    let instrument: (any Instrument)?
    let requests: RequestMetrics?
    let tasks: TaskMetrics?
    private let logger: Logger

    init(
        tracer: (any Tracer)? = nil, instrument: (any Instrument)? = nil,
        metrics: (any MetricsFactory)? = nil, logger: Logger
    ) {
        self.tracer = tracer
        self.instrument = instrument ?? tracer
        requests = metrics.map(RequestMetrics.init)
        tasks = metrics.map(TaskMetrics.init)
        self.logger = logger.scoped
    }

    /// What the application has bootstrapped before its first request.
    static func bootstrapped(logger: Logger) -> Observability {
        let tracer = InstrumentationSystem.tracer
        let instrument = InstrumentationSystem.instrument
        let metrics = MetricsSystem.factory
        return Observability(
            tracer: tracer is NoOpTracer ? nil : tracer,
            instrument: instrument is NoOpInstrument ? nil : instrument,
            metrics: metrics is NOOPMetricsHandler ? nil : metrics, logger: logger)
    }

    /// Calls `operation` with the logger that handlers and tasks get as `Logger.current`, on a thread of theirs.
    ///
    /// The logger looks up for whom an entry is written, so that a worker binds it once and not for each of them.
    func withCurrentLogger<Value>(_ operation: () throws -> Value) rethrows -> Value {
        try withLogger(logger) { _ in try operation() }
    }
}

/// Reads header fields out of FastCGI's parameters: `traceparent` is `HTTP_TRACEPARENT`.
struct HeadExtractor: Extractor {
    func extract(key: String, from head: RequestHead) -> String? {
        head.string(named: "HTTP_" + key.uppercased().replacing("-", with: "_"))
    }
}
