import Logging
import Metrics
import Postlude
import Tracing

struct Mailer: Sendable {
    enum Letter {
        case welcome
    }

    func send(_ letter: Letter, to address: EmailAddress) async throws {}
}

let mailer = Mailer()
let tracer = NoOpTracer()
let metrics = NOOPMetricsHandler.instance
