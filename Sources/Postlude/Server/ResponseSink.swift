internal import PostludeLogOutput

/// Where the response of one request goes, and its tasks after it: `ConnectionSink` in a server, `OfflineSink` in a test.
///
/// `Worker.serve` calls each method at most once, in this order.
protocol ResponseSink {
    /// Gets ready to write a response.
    ///
    /// - Returns: false if none can be written. The request is then given up.
    mutating func prepare() -> Bool

    /// The handler of `route` is about to be called.
    ///
    /// - Returns: what may cancel the request; nil if nothing can.
    mutating func watchHandler(of request: Request, by route: Router.Route) -> RequestCancellation?

    /// The handler has returned. A sink whose answer is the control thread's lets go of its connection.
    mutating func claimAnswer() -> Answerer

    /// Has the store persist the request's durable tasks, before anything of the response is written.
    ///
    /// - Parameter retryAfter: what the client is told if the request is refused for its tasks.
    mutating func persistTasks(of execution: RequestExecution, retryAfter: Duration)

    /// Writes the whole response and finishes it.
    ///
    /// - Returns: whether the web server has taken all of it.
    mutating func finish(_ execution: RequestExecution) -> Bool

    /// Lets go of the connection, which may then bring the next request.
    mutating func giveBackConnection()

    /// The request's line in the access log; nil if there is no such log.
    mutating func accessRecord(of execution: RequestExecution) -> AccessRecord?

    /// Takes the tasks that are to run now.
    mutating func queue(_ tasks: TaskQueue)

    /// The request is over, and has no tasks.
    mutating func end(_ execution: RequestExecution)
}

/// Who answers a request whose handler has returned.
enum Answerer {
    case worker
    /// The handler was past its time limit, and the control thread has answered 504 in the worker's place.
    ///
    /// - isDelivered: whether the web server has taken that answer.
    /// - after: how long it took; nil in a test.
    case controlThread(isDelivered: Bool, after: Duration?)
}
