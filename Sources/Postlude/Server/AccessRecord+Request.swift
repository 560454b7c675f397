internal import PostludeFastCGI
internal import PostludeLogOutput
internal import PostludeSystem

extension AccessRecord {
    /// - Parameters:
    ///   - request: nil for a request that was malformed, or refused before it was routed.
    ///   - start: when the request was complete. The duration is the time from then until now.
    init(
        _ head: RequestHead, request: Request? = nil, status: Int, bodyBytes: Int, bytes: Int,
        since start: MonotonicTime, worker: Int = 0
    ) {
        self.init(
            head: head, requestID: request?.id ?? RequestID.of(head), path: request?.path,
            route: request?.route ?? "", handler: request?.storage.handler ?? "", status: status,
            bodyBytes: bodyBytes, bytes: bytes, duration: .now - start, worker: worker)
    }

    /// The record of a request that was answered without a worker.
    init(_ request: UnservedRequest) {
        let (bodyBytes, bytes) = request.bytesSent
        self.init(
            request.head, status: request.response.status, bodyBytes: bodyBytes, bytes: bytes,
            since: request.start)
    }
}
