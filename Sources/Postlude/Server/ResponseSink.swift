internal import PostludeLogOutput

/// The destination of one request's response and tasks: `ConnectionSink` in a server, `OfflineSink` in a test.
///
/// `Worker.serve` calls each method at most once, in this order.
protocol ResponseSink {
    /// Prepares for writing a response.
    ///
    /// - Returns: false if no response can be written. The request is then abandoned.
    mutating func prepare() -> Bool

    /// Prepares for the call of the handler of `route`, whose time limits are watched from now on.
    ///
    /// - Returns: the cancellation of the request; nil if it cannot be cancelled.
    mutating func watchHandler(of request: Request, by route: Router.Route) -> RequestCancellation?

    /// Claims the right to answer, after the handler has returned. If the control thread has answered, the sink gives its
    /// connection up.
    mutating func claimAnswer() -> Answerer

    /// Persists the request's durable tasks, before any byte of the response is written.
    ///
    /// - Parameter retryAfter: the `Retry-After` of a request that is refused because of its tasks.
    mutating func persistTasks(of execution: RequestExecution, retryAfter: Duration)

    /// Writes the whole response and finishes it.
    ///
    /// - Returns: whether the web server has received all of it.
    mutating func finish(_ execution: RequestExecution) -> Bool

    /// Gives the connection back to the poller, so that it can carry the next request.
    mutating func giveBackConnection()

    /// Returns the request's record for the access log; nil if there is no access log.
    mutating func accessRecord(of execution: RequestExecution) -> AccessRecord?

    /// Adds the request's tasks to those that the worker runs.
    mutating func queue(_ tasks: TaskQueue)

    /// Ends a request that has no tasks.
    mutating func end(_ execution: RequestExecution)
}

/// The thread that answers a request whose handler has returned.
enum Answerer {
    case worker
    /// The handler was past its time limit, and the control thread has answered 504 in the worker's place.
    ///
    /// - isDelivered: whether the web server has received that answer.
    /// - after: the time from the start of the handler to the end of that answer; nil in a test.
    case controlThread(isDelivered: Bool, after: Duration?)
}
