internal import HTTPTypes
internal import Logging
internal import Workers

/// A request and what became of it, between the handler and the tasks.
final class Exchange {
    /// nil for what is no request that anybody could answer.
    let request: Request?
    var response: Response
    /// Whether the response's body is left out.
    let isHead: Bool
    /// The handler, an input or middleware has thrown.
    var hasThrown = false

    init(of request: Request) {
        self.request = request
        isHead = request.method == .head
        response = .internalServerError(requestID: request.id)
    }

    init(_ response: Response, isHead: Bool) {
        request = nil
        self.response = response
        self.isHead = isHead
    }

    /// The response is finished: releases what the request holds.
    ///
    /// - Returns: the tasks to run now, if there are any.
    func conclude(isTaken: Bool, on executor: WorkerExecutor, logger: Logger) -> TaskQueue? {
        guard let request else { return nil }
        let storage = request.storage
        if !storage.dependencies.isEmpty {
            _ = executor.run {
                await storage.dependencies.release { dependency, error in
                    logger.error(
                        "a dependency could not be released",
                        metadata: [
                            "dependency": "\(type(of: dependency))", "request": "\(request.id)",
                            "route": "\(request.route)", "error": "\(error)",
                        ])
                }
            }
        }
        return storage.settle(
            RequestOutcome(hasThrown: hasThrown, status: response.status, isTaken: isTaken))
    }
}
