internal import Logging
internal import Metrics
internal import PostludeFastCGI
internal import PostludeSystem
internal import Tracing

/// The backends for traces and metrics, looked up once, so that a backend that is not configured costs nothing.
struct Observability: Sendable {
    /// The tracer; nil without a tracing backend.
    let tracer: (any Tracer)?
    /// The instrument that reads the trace context that the client sent; nil without a tracing backend.
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

    /// Returns the backends that the application has bootstrapped before its first request.
    static func bootstrapped(logger: Logger) -> Observability {
        let tracer = InstrumentationSystem.tracer
        let instrument = InstrumentationSystem.instrument
        let metrics = MetricsSystem.factory
        return Observability(
            tracer: tracer is NoOpTracer ? nil : tracer,
            instrument: instrument is NoOpInstrument ? nil : instrument,
            metrics: metrics is NOOPMetricsHandler ? nil : metrics, logger: logger)
    }

    /// Calls `operation` with the logger that handlers and tasks get as `Logger.current`, on their thread.
    ///
    /// The logger looks up the current request when an entry is written, so that a worker binds it once and not for each
    /// request.
    func withCurrentLogger<Value>(_ operation: () throws -> Value) rethrows -> Value {
        try withLogger(logger) { _ in try operation() }
    }
}

/// Reads header fields from FastCGI parameters: `traceparent` is `HTTP_TRACEPARENT`.
struct HeadExtractor: Extractor {
    func extract(key: String, from head: RequestHead) -> String? {
        head.string(named: "HTTP_" + key.uppercased().replacing("-", with: "_"))
    }
}
