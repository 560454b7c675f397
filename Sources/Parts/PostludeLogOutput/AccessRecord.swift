package import Logging
package import PostludeFastCGI
internal import PostludeRouting

/// A request whose response is finished, as the access log tells of it.
package struct AccessRecord: Sendable {
    let head: RequestHead
    let requestID: String
    /// Normalised; nil if the request could not be routed.
    let path: String?
    /// The route's pattern and its handler's name; empty where no route takes the request.
    let route: String
    let handler: String
    let status: Int
    /// Bytes that were given to the web server: of the body, and of head and body.
    let bodyBytes: Int
    let bytes: Int
    /// From the complete head until finish.
    let duration: Duration
    /// When the response was finished.
    let time: LogTime
    /// The worker's number; 0 if another thread has answered.
    let worker: Int

    /// - Parameters:
    ///   - requestID: the request's id.
    ///   - path: normalised; nil if the request could not be routed.
    ///   - route: its pattern; empty where no route takes the request.
    ///   - handler: its name; empty where no route takes the request.
    ///   - bodyBytes: bytes of the body that were given to the web server.
    ///   - bytes: the same of head and body.
    ///   - duration: from the complete head until finish.
    ///   - time: when the response was finished.
    ///   - worker: the worker's number; 0 if another thread has answered.
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
    /// What the log says of a request that no handler was asked about: what is known of it.
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

/// What has become of a request's tasks.
package struct TaskTally: Sendable, Equatable {
    /// Tasks that have run to their end, well or not.
    package var ended = 0
    package var failed = 0
    /// Tasks that had not ended when the process did.
    package var left = 0
    /// For which attempts ran, added up.
    package var time: Duration = .zero

    package init(ended: Int = 0, failed: Int = 0, left: Int = 0, time: Duration = .zero) {
        self.ended = ended
        self.failed = failed
        self.left = left
        self.time = time
    }
}
