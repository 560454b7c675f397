internal import Logging
internal import PostludeFastCGI
internal import PostludeRouting
internal import PostludeSystem

/// A request whose response is finished, as the access log tells of it.
struct AccessRecord: Sendable {
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

    init(
        _ head: RequestHead, request: Request? = nil, status: Int, bodyBytes: Int, bytes: Int,
        since start: MonotonicTime, worker: Int = 0
    ) {
        self.head = head
        requestID = request?.id ?? RequestID.of(head)
        path = request?.path
        route = request?.route ?? ""
        handler = request?.storage.handler ?? ""
        self.status = status
        self.bodyBytes = bodyBytes
        self.bytes = bytes
        duration = .now - start
        time = .now
        self.worker = worker
    }
}

extension AccessRecord {
    /// What was answered without a worker.
    init(_ request: UnservedRequest) {
        let (bodyBytes, bytes) = request.bytesSent
        self.init(
            request.head, status: request.response.status, bodyBytes: bodyBytes, bytes: bytes,
            since: request.start)
    }
}

extension AccessRecord {
    /// What the log says of a request that no handler was asked about: what is known of it.
    func refusalMetadata(_ refusal: Refusal) -> Logger.Metadata {
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
struct TaskTally: Sendable, Equatable {
    /// Tasks that have run to their end, well or not.
    var ended = 0
    var failed = 0
    /// Tasks that had not ended when the process did.
    var left = 0
    /// For which attempts ran, added up.
    var time: Duration = .zero
}
