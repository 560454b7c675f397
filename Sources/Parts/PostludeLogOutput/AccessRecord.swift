package import Logging
package import PostludeFastCGI
internal import PostludeRouting

/// The data of a request with a finished response, for the access log.
package struct AccessRecord: Sendable {
    let head: RequestHead
    let requestID: String
    /// The normalised path; `nil` if the request could not be routed.
    let path: String?
    /// The pattern of the route, and the name of its handler; empty if no route matches.
    let route: String
    let handler: String
    let status: Int
    /// The number of bytes that were passed to the web server: those of the body, and those of head and body.
    let bodyBytes: Int
    let bytes: Int
    /// The time from the complete head until finish.
    let duration: Duration
    /// The time of the finish.
    let time: LogTime
    /// The number of the worker; 0 if another thread has answered.
    let worker: Int

    /// - Parameters:
    ///   - requestID: the request's id.
    ///   - path: the normalised path; `nil` if the request could not be routed.
    ///   - route: the pattern of the route; empty if no route matches.
    ///   - handler: the name of the handler; empty if no route matches.
    ///   - bodyBytes: the number of bytes of the body that were passed to the web server.
    ///   - bytes: the number of bytes of head and body that were passed to the web server.
    ///   - duration: the time from the complete head until finish.
    ///   - time: the time of the finish.
    ///   - worker: the number of the worker; 0 if another thread has answered.
    package init(
        head: RequestHead, requestID: String, path: String?, route: String, handler: String, status: Int,
        bodyBytes: Int, bytes: Int, duration: Duration, time: LogTime = .now, worker: Int
    ) {
        self.head = head
        self.requestID = requestID
        self.path = path
        self.route = route
        self.handler = handler
        self.status = status
        self.bodyBytes = bodyBytes
        self.bytes = bytes
        self.duration = duration
        self.time = time
        self.worker = worker
    }
}

extension AccessRecord {
    /// Returns the metadata of the log entry for a request that was refused before a handler was called.
    package func refusalMetadata(_ refusal: Refusal) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "reason": "\(refusal.reason)", "status": "\(status)", "request": "\(requestID)",
        ]
        for (key, name) in [
            ("method", "REQUEST_METHOD"), ("target", "REQUEST_URI"), ("length", "CONTENT_LENGTH"),
            ("client", "REMOTE_ADDR"),
        ] {
            guard let value = head.value(named: name), !value.isEmpty else { continue }
            let text = name == "REQUEST_URI" ? AbsoluteForm.originForm(of: value) : value
            metadata[key] = "\(String(decoding: text.prefix(1024), as: UTF8.self))"
        }
        return metadata
    }
}

/// The results of a request's tasks.
package struct TaskResultCounts: Sendable, Equatable {
    /// The number of tasks that have ended, successfully or not.
    package var ended = 0
    package var failed = 0
    /// The number of tasks that had not ended when the process ended.
    package var unfinished = 0
    /// The total time of all attempts.
    package var time: Duration = .zero

    package init(ended: Int = 0, failed: Int = 0, unfinished: Int = 0, time: Duration = .zero) {
        self.ended = ended
        self.failed = failed
        self.unfinished = unfinished
        self.time = time
    }
}
